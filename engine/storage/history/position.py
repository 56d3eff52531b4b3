"""A position in the log, from which a subscriber continues.

A database can go back in time: a fail-over to a standby that lags behind, or a restored copy of its
files. It then assigns the same transaction numbers again, to other changes. So a position names
what was read, and not only how far.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from engine.errors import InvalidInput
from engine.storage.postgres.database import Row
from engine.storage.postgres.fingerprints import FINGERPRINT_CHARACTERS, fingerprint
from engine.storage.postgres.tables import LAST_ENTRY

_NUMBER: Final = "(0|[1-9][0-9]{0,18})"
_TEXT: Final = re.compile(
    f"{_NUMBER}-{_NUMBER}-{_NUMBER}-([0-9a-f]{{{FINGERPRINT_CHARACTERS}}})", re.ASCII
)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A position in the log: behind an entry. Clients treat its text as opaque.

    It is valid in a database that contains exactly the entries up to this one that were read. If
    the last of them exists, none of the numbers up to it can be assigned again. Of the entries
    before it, only those of transactions that ran at the same time can be lost without it, so they
    are counted.

    Attributes:
        transaction, entry: the key of the entry, which orders the log.
        overlap: the number of earlier entries by transactions that can have been running when the
            entry was written.
        fingerprint: the beginning of the digest of the entry.

    """

    transaction: int
    entry: int
    overlap: int
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.transaction}-{self.entry}-{self.overlap}-{self.fingerprint}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the position that a text represents.

        Raises:
            InvalidInput: the text is not a position.

        """
        match = _TEXT.fullmatch(text)
        if match:
            transaction, entry, overlap = map(int, match.groups()[:3])
            if max(transaction, entry, overlap) <= LAST_ENTRY:
                return cls(transaction, entry, overlap, match[4])
        raise InvalidInput("The position is invalid. Pass one that the API returned, unchanged.")

    @classmethod
    def of(cls, row: Row) -> Self:
        """Return the position behind the entry of a row with `log.POSITION_COLUMNS`."""
        return cls(row["transaction"], row["entry"], row["overlap"], fingerprint(row["digest"]))


LOG_START: Final = Position(0, 0, 0, fingerprint(None))
