"""Seal what was recorded: extend the one chain over the log (`engine.sealing.seal`).

Any server does this in the background. A transaction-level lock lets one of them work at a time,
and a seal is one row, so a server that is killed leaves the chain as it was. Like subscribers, the
work reads only rows of transactions that are older than every running one. So no row can appear
before them later, and those who create and change tickets need no lock.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Table, bindparam, func, insert, select, tuple_

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
from engine.storage.history.log_place import BEFORE_LOG, LogPlace
from engine.storage.postgres.chains import CHAINS, last_link
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import (
    OLDEST_RUNNING,
    plugin_changes,
    reconciliations,
    seals,
    ticket_status_history,
    user_names,
)

SEAL_LOCK: Final = 0x17E410E
"""The advisory lock of the transaction that seals."""


class _LogTable:
    """A table whose rows have places in the log: `ticket_status_history` or `user_names`."""

    def __init__(self, table: Table, time: str) -> None:
        position = (table.c.transaction, table.c.entry)
        after = tuple_(
            bindparam("after_transaction", type_=BigInteger),
            bindparam("after_entry", type_=BigInteger),
        )
        at_most = bindparam("at_most", type_=BigInteger)
        rows = select(table.c.digest, *position).order_by(*position).limit(at_most)
        self._next = Statement.of(
            rows.where(tuple_(*position) > after, table.c.transaction < OLDEST_RUNNING)
        )
        self._nth = Statement.of(
            select(*position)
            .order_by(*position)
            .offset(bindparam("earlier", type_=BigInteger))
            .limit(1)
        )
        waiting = select(func.count().label("rows"), func.min(table.c[time]).label("oldest"))
        self._waiting = Statement.of(waiting.where(tuple_(*position) > after))

    async def next_rows(self, session: Session, after: LogPlace) -> list[Row]:
        """Return the digests of the next rows, with their places."""
        return await session.rows(
            self._next,
            after_transaction=after.transaction,
            after_entry=after.entry,
            at_most=ROWS_MAX,
        )

    async def nth(self, session: Session, count: int) -> LogPlace:
        """Return the place of a row, given by its number in the log."""
        if count == 0:
            return BEFORE_LOG
        row = await session.row(self._nth, earlier=count - 1)
        return BEFORE_LOG if row is None else LogPlace(row["transaction"], row["entry"])

    async def unsealed(self, session: Session, after: LogPlace) -> Row:
        """Return the number of rows after a place, and the time of the oldest."""
        [row] = await session.rows(
            self._waiting, after_transaction=after.transaction, after_entry=after.entry
        )
        return row


_ENTRIES: Final = _LogTable(ticket_status_history, "at")
_NAMES: Final = _LogTable(user_names, "recorded_at")

_TRY_LOCK: Final = Statement.of(
    select(func.pg_try_advisory_xact_lock(SEAL_LOCK).label("is_locked"))
)
_WAIT_FOR_LOCK: Final = Statement.of(select(func.pg_advisory_xact_lock(SEAL_LOCK)))
_LAST_SEAL: Final = Statement.of(select(seals).order_by(seals.c.number.desc()).limit(1))
_SEAL: Final = Statement.of(
    select(seals).where(seals.c.number == bindparam("number", type_=BigInteger))
)
_NOW: Final = Statement.of(select(func.clock_timestamp().label("now")))
_INSERT: Final = Statement.of(
    insert(seals).values({each.name: bindparam(each.name) for each in seals.columns})
)
_UNSEALED_CHAINS: Final = tuple(
    (
        table.name,
        Statement.of(
            select(func.count().label("rows"), func.min(time).label("oldest")).where(
                table.c.id > bindparam("sealed", type_=BigInteger)
            )
        ),
    )
    for table, time in (
        (reconciliations, reconciliations.c.applied_at),
        (plugin_changes, plugin_changes.c.changed_at),
    )
)
"""Revisions need no count of their own: a reconciliation writes them."""


@dataclass(frozen=True, slots=True)
class SealEnd:
    """A seal, and where the rows that it covers end in the log of this database.

    Attributes:
        is_placed: whether the ends are stored with the seal; not so after a restore.

    """

    seal: Seal
    entries: LogPlace
    names: LogPlace
    is_placed: bool = True


@dataclass(frozen=True, slots=True)
class Unsealed:
    """What no seal covers yet.

    Attributes:
        rows: the number of entries, names, reconciliations and plugin changes.
        oldest: when the oldest of them was recorded; None without such rows.
        seconds: how long ago that was; 0 without such rows.

    """

    rows: int
    oldest: datetime | None
    seconds: float


def seal_of(row: Row) -> Seal:
    """Convert a row of `seals`."""
    counts = SealedCounts(*(row[name] for name in SealedCounts._fields))
    return Seal(row["number"], row["sealed_at"], counts, row["digest"])


async def seal_log(database: Database, *, wait: bool = False) -> None:
    """Seal everything that can be sealed now, in batches.

    Args:
        database: the database.
        wait: wait for another process that seals, instead of leaving the work to it.

    """
    has_more = True
    while has_more:
        async with database.transaction() as session:
            has_more = await _seal_batch(session, wait=wait)


async def _seal_batch(session: Session, *, wait: bool) -> bool:
    """Insert the next seal; return whether there can be more to seal."""
    [lock] = await session.rows(_WAIT_FOR_LOCK if wait else _TRY_LOCK)
    if not wait and not lock["is_locked"]:
        return False
    before = await last_seal(session)
    entries = await _ENTRIES.next_rows(session, before.entries)
    names = await _NAMES.next_rows(session, before.names)
    links = {name: await last_link(session, chain) for name, chain in CHAINS.items()}
    counts = SealedCounts(
        entries=before.seal.counts.entries + len(entries),
        user_names=before.seal.counts.user_names + len(names),
        **{name: link.id for name, link in links.items()},
    )
    if counts == before.seal.counts and before.is_placed:
        return False
    content = SealedContent(
        content_digest(row["digest"] for row in entries),
        content_digest(row["digest"] for row in names),
        ChainHeads(**{name: link.digest for name, link in links.items()}),
    )
    [clock] = await session.rows(_NOW)
    seal = next_seal(before.seal, max(clock["now"], before.seal.sealed_at), counts, content)
    await _insert(session, SealEnd(seal, _end(entries, before.entries), _end(names, before.names)))
    return max(len(entries), len(names)) == ROWS_MAX


def _end(rows: list[Row], before: LogPlace) -> LogPlace:
    return LogPlace(rows[-1]["transaction"], rows[-1]["entry"]) if rows else before


async def _insert(session: Session, end: SealEnd) -> None:
    seal = end.seal
    await session.run(
        _INSERT,
        number=seal.number,
        sealed_at=seal.sealed_at,
        **seal.counts._asdict(),
        digest=seal.digest,
        log_transaction=end.entries.transaction,
        log_entry=end.entries.entry,
        names_transaction=end.names.transaction,
        names_entry=end.names.entry,
    )


async def last_seal(session: Session) -> SealEnd:
    """Return the last seal, and where its rows end."""
    row = await session.row(_LAST_SEAL)
    return SealEnd(NO_SEAL, BEFORE_LOG, BEFORE_LOG) if row is None else await _end_of(session, row)


async def end_of_seal(session: Session, number: int) -> SealEnd | None:
    """Return a seal, and where its rows end; None if there is no such seal."""
    if number == NO_SEAL.number:
        return SealEnd(NO_SEAL, BEFORE_LOG, BEFORE_LOG)
    row = await session.row(_SEAL, number=number)
    return None if row is None else await _end_of(session, row)


async def _end_of(session: Session, row: Row) -> SealEnd:
    """Return where the rows of a stored seal end; after a restore, they are counted in the log."""
    seal = seal_of(row)
    if row["log_transaction"] is None:
        return SealEnd(
            seal,
            await _ENTRIES.nth(session, seal.counts.entries),
            await _NAMES.nth(session, seal.counts.user_names),
            is_placed=False,
        )
    return SealEnd(
        seal,
        LogPlace(row["log_transaction"], row["log_entry"]),
        LogPlace(row["names_transaction"], row["names_entry"]),
    )


async def read_unsealed(session: Session, end: SealEnd | None = None) -> Unsealed:
    """Return what no seal covers yet.

    Args:
        session: a transaction.
        end: ignore later seals than this one.

    """
    last = end or await last_seal(session)
    rows = [
        await _ENTRIES.unsealed(session, last.entries),
        await _NAMES.unsealed(session, last.names),
    ]
    for name, statement in _UNSEALED_CHAINS:
        rows += await session.rows(statement, sealed=getattr(last.seal.counts, name))
    oldest = min((row["oldest"] for row in rows if row["oldest"] is not None), default=None)
    [clock] = await session.rows(_NOW)
    seconds = max(0, (clock["now"] - oldest).total_seconds()) if oldest else 0
    return Unsealed(sum(row["rows"] for row in rows), oldest, seconds)
