"""The log: the histories of all tickets as one sequence, which subscribers follow without gaps.

The log is in the order of the transactions that wrote the entries. A transaction can commit after
one that began later, so only entries of transactions that are older than every running one are
read: no entry can appear before them later. Subscribers poll. NOTIFY is not used, because it makes
commits wait for one another.
"""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    bindparam,
    func,
    literal_column,
    select,
    true,
    tuple_,
)

from engine.errors import PositionLost, Unavailable
from engine.storage.history.position import LOG_START, Position
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.fingerprints import fingerprint
from engine.storage.postgres.rows import TICKET_COLUMNS, entry_of, ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import OLDEST_RUNNING, ticket_status_history, tickets
from engine.tickets.history import Entry
from engine.tickets.ticket import Ticket


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of the log.

    Attributes:
        position: the position behind the entry.
        ticket: the ticket as it is now, which can be later than the entry.

    """

    position: Position
    entry: Entry
    ticket: Ticket


def overlap(entry: FromClause) -> ColumnElement[int]:
    """Return the `overlap` of the position of an entry; once the entry is final, it is constant."""
    earlier = ticket_status_history.alias("earlier")
    return (
        select(func.count())
        .where(
            earlier.c.transaction >= entry.c.oldest_running,
            tuple_(earlier.c.transaction, earlier.c.entry)
            < tuple_(entry.c.transaction, entry.c.entry),
        )
        .correlate(entry)
        .scalar_subquery()
    )


LOG_KEY: Final = (ticket_status_history.c.transaction, ticket_status_history.c.entry)
IS_FINAL: Final = ticket_status_history.c.transaction < OLDEST_RUNNING
"""Whether no entry can still appear before this one."""
POSITION_COLUMNS: Final = (
    *LOG_KEY,
    ticket_status_history.c.digest,
    overlap(ticket_status_history).label("overlap"),
)

_AFTER: Final = (
    bindparam("after_transaction", type_=BigInteger),
    bindparam("after_entry", type_=BigInteger),
)
_LAST_READ: Final = ticket_status_history.alias("last_read")
_IS_LAST_READ: Final = tuple_(_LAST_READ.c.transaction, _LAST_READ.c.entry) == tuple_(*_AFTER)
_PAGE: Final = (
    select(ticket_status_history, *TICKET_COLUMNS)
    .join(tickets)
    .where(tuple_(*LOG_KEY) > tuple_(*_AFTER), IS_FINAL)
    .order_by(*LOG_KEY)
    .limit(bindparam("at_most", type_=BigInteger))
    .cte("page")
)
_HORIZON: Final = select(_PAGE.c.oldest_running).distinct().subquery("horizon")
_BEFORE_PAGE: Final = select(
    _HORIZON.c.oldest_running,
    select(func.count())
    .where(
        ticket_status_history.c.transaction >= _HORIZON.c.oldest_running,
        tuple_(*LOG_KEY) <= tuple_(*_AFTER),
    )
    .scalar_subquery()
    .label("overlap"),
).subquery("before_page")
"""How many entries before the page overlap with its entries. Counted once for each horizon: a
transaction that runs for hours makes all entries of that time overlap."""
_READ: Final = Statement.of(
    select(
        func.pg_is_in_recovery().label("is_standby"),
        select(_LAST_READ.c.digest).where(_IS_LAST_READ).scalar_subquery().label("last_digest"),
        select(overlap(_LAST_READ)).where(_IS_LAST_READ).scalar_subquery().label("last_overlap"),
        _PAGE,
        _BEFORE_PAGE.c.overlap,
    )
    .select_from(select(literal_column("1")).subquery("one"))
    .outerjoin(_PAGE, true())
    .outerjoin(_BEFORE_PAGE, _BEFORE_PAGE.c.oldest_running == _PAGE.c.oldest_running)
    .order_by(_PAGE.c.transaction, _PAGE.c.entry)
)
"""Returns one row without an entry if the page is empty. The check and the page are one statement,
so that they see the same database even while a fail-over happens."""
_END: Final = Statement.of(
    select(*POSITION_COLUMNS)
    .where(IS_FINAL)
    .order_by(*(column.desc() for column in LOG_KEY))
    .limit(literal_column("1"))
)


async def read_log(source: Database | Session, position: Position, limit: int) -> list[LogEntry]:
    """Return the next entries of the log, at most `limit`; an empty list at its end.

    Raises:
        PositionLost: the log does not contain exactly the entries up to the position that were
            read, so following it would skip entries, or keep changes that were lost.
        Unavailable: the database is a standby.

    """
    rows = await source.rows(
        _READ,
        after_transaction=position.transaction,
        after_entry=position.entry,
        at_most=limit,
    )
    _check_row(position, rows[0])
    page = [row for row in rows if row["entry"] is not None]
    transactions = [row["transaction"] for row in page]
    return [
        LogEntry(
            Position(
                row["transaction"],
                row["entry"],
                row["overlap"] + index - bisect_left(transactions, row["oldest_running"]),
                fingerprint(row["digest"]),
            ),
            entry_of(row),
            ticket_of(row),
        )
        for index, row in enumerate(page)
    ]


async def check_position(source: Database | Session, position: Position) -> None:
    """Raise PositionLost or Unavailable as `read_log` does."""
    await read_log(source, position, limit=0)


def _check_row(position: Position, row: Row) -> None:
    """Raise PositionLost if the entry of the position, or one that overlaps it, was lost."""
    found = fingerprint(row["last_digest"]), row["last_overlap"] or 0
    if found == (position.fingerprint, position.overlap):
        return
    if row["is_standby"]:  # it can still receive the entry
        raise Unavailable("The database is a standby, which can lag behind; try again.")
    raise PositionLost


async def log_end(source: Database | Session) -> Position:
    """Return the position behind every entry that can be read now.

    A client that takes this position before it reads tickets misses no change: the log contains
    every change after the position, including those that the tickets do not show yet.
    """
    row = await source.row(_END)
    return LOG_START if row is None else Position.of(row)
