"""Chained tables: rows have numbers without gaps, and digests over content and predecessor."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from sqlalchemy import JSON, BigInteger, Table, Text, bindparam, cast, func, insert, select
from sqlalchemy.sql import ClauseElement

from engine.sealing.chain import chained_digest
from engine.storage.postgres.database import Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import plugin_changes, reconciliations, workflow_revisions
from engine.tickets.history import GENESIS

_DIGEST: Final = "digest"
_PREFETCHED_ROWS: Final = 500


@dataclass(frozen=True, slots=True)
class ChainLink:
    """A row of a chain: its number and its digest."""

    id: int
    digest: bytes


CHAIN_START: Final = ChainLink(0, GENESIS)
"""What comes before the first row."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A chained table, whose writers hold a lock that lets only one of them write at a time."""

    table: Table

    @property
    def content(self) -> tuple[str, ...]:
        """The columns that the digest covers, in this order."""
        return tuple(each.name for each in self.table.columns if each.name != _DIGEST)

    def digest_of(self, row: Mapping[str, object] | Row, before: bytes) -> bytes:
        """Return the digest of a row after the one with another digest."""
        return chained_digest(before, [row[name] for name in self.content])


RECONCILIATIONS: Final = Chain(reconciliations)
WORKFLOW_REVISIONS: Final = Chain(workflow_revisions)
PLUGIN_CHANGES: Final = Chain(plugin_changes)
CHAINS: Final = {
    each.table.name: each for each in (RECONCILIATIONS, WORKFLOW_REVISIONS, PLUGIN_CHANGES)
}

_NOW: Final = Statement.of(select(func.clock_timestamp().label("now")))


async def append_to_chain(
    session: Session, chain: Chain, rows: Sequence[Mapping[str, object]], time: str | None = None
) -> list[int]:
    """Append rows to a chain; return their numbers.

    Args:
        session: a transaction that holds the lock of the chain's writers.
        chain: the chain.
        rows: the columns, without `id` and digest.
        time: the column that gets the time of the database.

    """
    link = await last_link(session, chain)
    now = {} if time is None else {time: (await session.rows(_NOW))[0]["now"]}
    complete = []
    for row in rows:
        numbered = {**row, **now, "id": link.id + 1}
        link = ChainLink(link.id + 1, chain.digest_of(numbered, link.digest))
        complete.append({**numbered, _DIGEST: link.digest})
    await session.run_each(_insert_statement(chain), complete)
    return [row["id"] for row in complete]


async def last_link(session: Session, chain: Chain) -> ChainLink:
    """Return the last row of a chain."""
    row = await session.row(_last_statement(chain))
    return CHAIN_START if row is None else ChainLink(row["id"], row[_DIGEST])


async def read_chain(session: Session, chain: Chain) -> AsyncIterator[Row]:
    """Yield all rows of a chain in order; JSON as the text that the digest covers."""
    async for row in session.stream(_all_statement(chain), _PREFETCHED_ROWS):
        yield row


@cache
def _insert_statement(chain: Chain) -> Statement:
    columns: dict[str, ClauseElement] = {
        each.name: bindparam(each.name, type_=each.type) for each in chain.table.columns
    }
    return Statement.of(insert(chain.table).values(columns))


@cache
def _last_statement(chain: Chain) -> Statement:
    columns = chain.table.columns
    return Statement.of(
        select(cast(columns["id"], BigInteger), columns[_DIGEST])
        .order_by(columns["id"].desc())
        .limit(1)
    )


@cache
def _all_statement(chain: Chain) -> Statement:
    columns = (
        cast(each, Text).label(each.name) if isinstance(each.type, JSON) else each
        for each in chain.table.columns
    )
    return Statement.of(select(*columns).order_by(chain.table.columns["id"]))
