"""Seals: one chain over everything that is recorded, in the order of the log.

Each seal covers the history entries and the names of users that were recorded since the previous
one, and the whole chains of reconciliations, workflow revisions and plugin changes. So a recorded
row cannot be changed, removed or inserted without another digest of each later seal.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, NamedTuple

from engine.sealing.chain import chained_digest
from engine.tickets.history import GENESIS

ROWS_MAX: Final = 5_000
"""The most history entries, and the most names, that one seal adds."""


class SealedCounts(NamedTuple):
    """The number of rows of each kind that a seal and those before it cover."""

    entries: int = 0
    user_names: int = 0
    reconciliations: int = 0
    workflow_revisions: int = 0
    plugin_changes: int = 0


class ChainHeads(NamedTuple):
    """The last digest of each chain; `GENESIS` for a chain without rows."""

    reconciliations: bytes = GENESIS
    workflow_revisions: bytes = GENESIS
    plugin_changes: bytes = GENESIS


@dataclass(frozen=True, slots=True)
class SealedContent:
    """What a seal adds to the previous one.

    Attributes:
        entries: SHA-256 over the digests of the entries that it adds, in the order of the log.
        user_names: SHA-256 over the digests of the names that it adds, in the order of the log.
        heads: the heads of the chains at the sealed counts.

    """

    entries: bytes
    user_names: bytes
    heads: ChainHeads


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal.

    Attributes:
        number: counts from 1 without gaps.
        sealed_at: the time of the database; never earlier than that of the previous seal.

    """

    number: int
    sealed_at: datetime
    counts: SealedCounts
    digest: bytes


NO_SEAL: Final = Seal(0, datetime.min.replace(tzinfo=UTC), SealedCounts(), GENESIS)
"""What comes before the first seal."""


def content_digest(digests: Iterable[bytes]) -> bytes:
    """Return SHA-256 over these digests, one after the other."""
    return sha256(b"".join(digests)).digest()


def next_seal(
    before: Seal, sealed_at: datetime, counts: SealedCounts, content: SealedContent
) -> Seal:
    """Return the seal that follows another one."""
    number, heads = before.number + 1, content.heads
    values = [
        *(number, sealed_at),
        *(counts.entries, content.entries.hex()),
        *(counts.user_names, content.user_names.hex()),
        *(counts.reconciliations, heads.reconciliations.hex()),
        *(counts.workflow_revisions, heads.workflow_revisions.hex()),
        *(counts.plugin_changes, heads.plugin_changes.hex()),
    ]
    return Seal(number, sealed_at, counts, chained_digest(before.digest, values))
