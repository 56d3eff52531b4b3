"""The Merkle tree over the heads of all tickets, kept in chunks so that few of them change.

The leaves are in the order in which the tickets were created, so a new ticket only adds a leaf at
the end. A chunk has the leaves of a few consecutive tickets, as of the seal of the last anchor. The
next anchor changes only chunks with tickets that changed. The chunks are a cache that is not
trusted: their roots must lead to the root in the last anchor; otherwise all are built again.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, NamedTuple, Self

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Tuple,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert

from engine.sealing.merkle_tree import leaf_hash, merkle_root
from engine.storage.history.log_place import BEFORE_LOG, LogPlace
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import head_chunks, ticket_status_history

CHUNK_TICKETS: Final = 32
"""The number of tickets of each chunk but the last; a power of two: a chunk is a subtree."""
_DIGEST_BYTES: Final = 32
_PAGE_TICKETS: Final = 500 * CHUNK_TICKETS
"""The tickets whose heads one statement reads, and whose chunks one transaction builds."""


def _at(name: str) -> Tuple:
    """Return a place in the log as parameters."""
    return tuple_(
        bindparam(f"{name}_transaction", type_=BigInteger),
        bindparam(f"{name}_entry", type_=BigInteger),
    )


_CREATION: Final = ticket_status_history.alias("creation")
_ENTRY: Final = ticket_status_history.alias("head_entry")
_CREATED_AT: Final = tuple_(_CREATION.c.transaction, _CREATION.c.entry)
_HEAD: Final = (
    select(_ENTRY.c.digest)
    .where(
        _ENTRY.c.ticket == _CREATION.c.ticket,
        tuple_(_ENTRY.c.transaction, _ENTRY.c.entry) <= _at("to"),
    )
    .order_by(_ENTRY.c.seq.desc())
    .limit(literal_column("1"))
    .lateral("head")
)
_ALL_HEADS: Final = (
    select(_CREATION.c.transaction, _CREATION.c.entry, _HEAD.c.digest)
    .select_from(_CREATION.join(_HEAD, literal_column("true")))
    .where(_CREATION.c.seq == literal_column("1"), _at("to") >= _CREATED_AT)
    .order_by(_CREATION.c.transaction, _CREATION.c.entry)
)
_CHANGED: Final = (
    select(ticket_status_history.c.ticket)
    .where(
        tuple_(ticket_status_history.c.transaction, ticket_status_history.c.entry) > _at("from"),
        tuple_(ticket_status_history.c.transaction, ticket_status_history.c.entry) <= _at("to"),
    )
    .distinct()
)
_NEXT_HEADS: Final = Statement.of(
    _ALL_HEADS.where(_at("from") < _CREATED_AT).limit(literal_column(str(_PAGE_TICKETS)))
)
_CHANGED_HEADS: Final = Statement.of(_ALL_HEADS.where(_CREATION.c.ticket.in_(_CHANGED)))
_INDEX: Final = Statement.of(
    select(
        head_chunks.c.first_transaction,
        head_chunks.c.first_entry,
        head_chunks.c.root,
        func.cardinality(head_chunks.c.creations).label("tickets"),
    ).order_by(head_chunks.c.number)
)
_CHUNKS: Final = Statement.of(
    select(head_chunks).where(
        head_chunks.c.number == func.any(bindparam("numbers", type_=ARRAY(BigInteger)))
    )
)
_UPSERT_VALUES: Final = insert(head_chunks).values(
    {each.name: bindparam(each.name) for each in head_chunks.columns}
)
_UPSERT: Final = Statement.of(
    _UPSERT_VALUES.on_conflict_do_update(
        index_elements=[head_chunks.c.number],
        set_={name: _UPSERT_VALUES.excluded[name] for name in ("creations", "leaves", "root")},
    )
)
_DELETE: Final = Statement.of(delete(head_chunks))


class Head(NamedTuple):
    """The head of a ticket, and the place of the ticket's first entry in the log."""

    created: LogPlace
    digest: bytes


class _InvalidChunkError(Exception):
    """A chunk contradicts its root or the histories."""


@dataclass(slots=True)
class _Chunk:
    """The leaves of consecutive tickets.

    Attributes:
        first: the place of the first ticket's first entry.
        creations: the `entry` numbers of the first entries of all tickets.
        leaves: the hashes of the tickets' heads.

    """

    number: int
    first: LogPlace
    creations: list[int]
    leaves: list[bytes]

    @classmethod
    def of(cls, row: Row) -> Self:
        """Convert a row of `head_chunks`."""
        content = row["leaves"]
        starts = range(0, len(content), _DIGEST_BYTES)
        return cls(
            row["number"],
            LogPlace(row["first_transaction"], row["first_entry"]),
            list(row["creations"]),
            [content[start : start + _DIGEST_BYTES] for start in starts],
        )

    @property
    def root(self) -> bytes:
        """The Merkle root over the leaves."""
        return merkle_root(self.leaves)

    def append(self, head: Head) -> None:
        """Add the next ticket."""
        self.creations.append(head.created.entry)
        self.leaves.append(leaf_hash(head.digest))

    def replace(self, head: Head) -> None:
        """Replace the head of a ticket; _InvalidChunkError if the chunk lacks the ticket."""
        try:
            self.leaves[self.creations.index(head.created.entry)] = leaf_hash(head.digest)
        except (ValueError, IndexError):
            raise _InvalidChunkError from None

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of `head_chunks`."""
        return {
            "number": self.number,
            "first_transaction": self.first.transaction,
            "first_entry": self.first.entry,
            "creations": self.creations,
            "leaves": b"".join(self.leaves),
            "root": self.root,
        }


class HeadTree(NamedTuple):
    """The number of tickets, and the Merkle root over their heads."""

    tickets: int
    root: bytes


async def read_heads(session: Session, to: LogPlace) -> AsyncIterator[Head]:
    """Yield the head that each ticket had at a place in the log, in the order of creation."""
    after, has_more = BEFORE_LOG, True
    while has_more:
        heads = await _read_page(session, after, to)
        for head in heads:
            yield head
        has_more = len(heads) == _PAGE_TICKETS
        after = heads[-1].created if heads else after


async def _read_page(session: Session, after: LogPlace, to: LogPlace) -> list[Head]:
    """Return the heads of the next tickets that were created after a place in the log."""
    rows = await session.rows(
        _NEXT_HEADS,
        from_transaction=after.transaction,
        from_entry=after.entry,
        to_transaction=to.transaction,
        to_entry=to.entry,
    )
    return [_head(row) for row in rows]


async def compute_tree(session: Session, to: LogPlace) -> HeadTree:
    """Compute the tree at a place in the log from the histories, without the chunks."""
    leaves = [leaf_hash(head.digest) async for head in read_heads(session, to)]
    return HeadTree(len(leaves), merkle_root(leaves))


async def update_tree(
    session: Session, known: HeadTree, since: LogPlace, to: LogPlace
) -> HeadTree | None:
    """Update the chunks from one place in the log to a later one.

    Args:
        session: a transaction that holds the lock of anchors.
        known: the tree at `since`, as the last anchor states it.
        since: the place for which the chunks are valid.
        to: the end of a seal.

    Returns:
        The tree at `to`; None if the chunks are not those of the known tree.

    """
    index = await session.rows(_INDEX)
    tree = HeadTree(
        sum(row["tickets"] for row in index), merkle_root([row["root"] for row in index])
    )
    if tree != known:
        return None
    try:
        return await _apply_changes(session, index, since, to)
    except _InvalidChunkError:
        return None


async def build_tree(database: Database, to: LogPlace) -> HeadTree:
    """Build all chunks from the histories; return the tree.

    Works in many short transactions, because a long one would hold back the log. What is sealed
    does not change meanwhile. If the work is interrupted, the chunks are not those of any anchor.
    """
    async with database.transaction() as session:
        await session.run(_DELETE)
    roots: list[bytes] = []
    tickets, after, has_more = 0, BEFORE_LOG, True
    while has_more:
        async with database.transaction() as session:
            heads = await _read_page(session, after, to)
            roots += await _write(session, _chunks_of(heads, len(roots)))
        tickets += len(heads)
        has_more = len(heads) == _PAGE_TICKETS
        after = heads[-1].created if heads else after
    return HeadTree(tickets, merkle_root(roots))


def _chunks_of(heads: Sequence[Head], number: int) -> list[_Chunk]:
    """Divide heads into chunks; the first one gets a number."""
    chunks: list[_Chunk] = []
    for index, head in enumerate(heads):
        if index % CHUNK_TICKETS == 0:
            chunks.append(_Chunk(number + len(chunks), head.created, [], []))
        chunks[-1].append(head)
    return chunks


async def _apply_changes(
    session: Session, index: list[Row], since: LogPlace, to: LogPlace
) -> HeadTree:
    """Change the chunks of tickets that changed, and append the tickets that were created."""
    changed, created = await _read_changes(session, since, to)
    firsts = [LogPlace(row["first_transaction"], row["first_entry"]) for row in index]
    numbers = [bisect_right(firsts, head.created) - 1 for head in changed]
    last = len(index) - 1
    chunks = await _load(session, index, {*numbers, *([last] if created and index else [])})
    for number, head in zip(numbers, changed, strict=True):
        chunks[number].replace(head)
    for head in created:
        if last not in chunks or len(chunks[last].leaves) == CHUNK_TICKETS:
            last += 1
            chunks[last] = _Chunk(last, head.created, [], [])
        chunks[last].append(head)
    roots = [row["root"] for row in index] + [b""] * (last + 1 - len(index))
    for number, root in zip(chunks, await _write(session, chunks.values()), strict=True):
        roots[number] = root
    return HeadTree(sum(row["tickets"] for row in index) + len(created), merkle_root(roots))


async def _read_changes(
    session: Session, since: LogPlace, to: LogPlace
) -> tuple[list[Head], list[Head]]:
    """Return the heads of tickets that changed between two places, and of those created there."""
    rows = await session.rows(
        _CHANGED_HEADS,
        from_transaction=since.transaction,
        from_entry=since.entry,
        to_transaction=to.transaction,
        to_entry=to.entry,
    )
    heads = [_head(row) for row in rows]
    first_created = bisect_right(heads, since, key=attrgetter("created"))
    return heads[:first_created], heads[first_created:]


async def _load(session: Session, index: list[Row], numbers: set[int]) -> dict[int, _Chunk]:
    """Return chunks by number.

    Raises:
        _InvalidChunkError: a chunk is missing, or its leaves do not lead to its root.

    """
    rows = await session.rows(_CHUNKS, numbers=sorted(numbers))
    chunks = {row["number"]: _Chunk.of(row) for row in rows}
    roots = await asyncio.to_thread(lambda: [chunk.root for chunk in chunks.values()])
    if chunks.keys() != numbers or roots != [index[number]["root"] for number in chunks]:
        raise _InvalidChunkError
    return chunks


async def _write(session: Session, chunks: Iterable[_Chunk]) -> list[bytes]:
    """Write chunks; return their roots."""
    rows = await asyncio.to_thread(lambda: [chunk.columns for chunk in chunks])
    await session.run_each(_UPSERT, rows)
    return [row["root"] for row in rows]


def _head(row: Row) -> Head:
    return Head(LogPlace(row["transaction"], row["entry"]), row["digest"])
