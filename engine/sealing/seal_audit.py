"""Checks that seals cover exactly the recorded rows, in their order. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from engine.sealing.flaw import RecordFlaw
from engine.sealing.seal import (
    NO_SEAL,
    ROWS_MAX,
    ChainHeads,
    Seal,
    SealedContent,
    SealedCounts,
    content_digest,
    next_seal,
)

BACKDATED: Final = timedelta(days=1)
"""How much earlier than the previous seal a row can be dated: a transaction can be open for a
while, and a wrong clock can be set back."""
_KINDS: Final = SealedCounts._fields


class RecordedRow(NamedTuple):
    """A row with a place in the log: a history entry, or the name of a user.

    Attributes:
        name: what the row is, such as `tk_4f8e29 entry 3`.
        at: when it was recorded.

    """

    name: str
    at: datetime
    digest: bytes


def added_counts(before: Seal, seal: Seal) -> SealedCounts:
    """Return how many rows of each kind a seal adds to the previous one."""
    return SealedCounts(*(new - old for old, new in zip(before.counts, seal.counts, strict=True)))


def seal_flaw(
    before: Seal,
    seal: Seal,
    entries: Sequence[RecordedRow],
    names: Sequence[RecordedRow],
    heads: ChainHeads | None,
) -> str | None:
    """Return why a stored seal does not follow another one; None if it does.

    Args:
        before: the previous seal.
        seal: the stored seal.
        entries: the entries that the seal adds by its counts, as far as they exist.
        names: the names that it adds, as far as they exist.
        heads: the digests of the chains at the counts of the seal; None if a chain is shorter.

    """
    added = added_counts(before, seal)
    if seal.number != before.number + 1:
        return f"it follows seal {before.number}; the seals between them are missing"
    if min(added) < 0 or max(added.entries, added.user_names) > ROWS_MAX:
        return f"no seal with these numbers of rows can follow seal {before.number}"
    listed = ", ".join(_describe(before, seal))
    if (len(entries), len(names)) != (added.entries, added.user_names) or heads is None:
        return f"it covers {listed}, and some of these no longer exist"
    content = SealedContent(
        content_digest(row.digest for row in entries),
        content_digest(row.digest for row in names),
        heads,
    )
    if next_seal(before, seal.sealed_at, seal.counts, content).digest != seal.digest:
        return f"it covers {listed}, and these are not the rows that were sealed"
    return None


def _describe(before: Seal, seal: Seal) -> Iterator[str]:
    """Yield the rows that a seal adds, for display."""
    for column, old, new in zip(_KINDS, before.counts, seal.counts, strict=True):
        kind = column.replace("_", " ")
        if new > old:
            yield f"{kind} {old + 1} to {new}" if new > old + 1 else f"{kind} {new}"


def is_full(before: Seal, seal: Seal) -> bool:
    """Return whether there can have been more rows than a seal was able to cover."""
    added = added_counts(before, seal)
    return ROWS_MAX in {added.entries, added.user_names}


def backdated_rows(complete: Seal, rows: Iterable[RecordedRow]) -> Iterator[RecordFlaw]:
    """Yield a flaw for each row that is dated long before a seal that should have covered it.

    Args:
        complete: the latest earlier seal that was not full.
        rows: rows that a later seal covers, or none.

    """
    if complete == NO_SEAL:
        return
    for row in rows:
        if row.at < complete.sealed_at - BACKDATED:
            yield RecordFlaw(
                row.name,
                f"it is dated {row.at.isoformat()}, but seal {complete.number} of "
                f"{complete.sealed_at.isoformat()} does not cover it",
            )
