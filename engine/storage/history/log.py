"""The histories of all tickets as one log, to be followed: nothing is skipped, nothing comes twice.

Entries come in the order of the transactions that wrote them. A transaction may commit after one
that began later, so only those are read that are older than every one that still runs: behind them
nothing can appear any more. Followers ask again; nobody is notified, as that would make commits
wait for one another.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, cast, func, select, tuple_

from engine.errors import InvalidInput
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.rows import TICKET_COLUMNS, entry_of, ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history, tickets
from engine.tickets.history import Entry
from engine.tickets.ticket import Ticket

POSITION: Final = re.compile(r"(0|[1-9][0-9]{0,18})-(0|[1-9][0-9]{0,18})", re.ASCII)
LAST_NUMBER: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the log: behind an entry, or behind whole transactions.

    It is good in the database that it is of, and in physical copies of it; not in one that was
    restored from a backup. Its text is opaque to everybody else.
    """

    transaction: int
    entry: int

    def __str__(self) -> str:
        return f"{self.transaction}-{self.entry}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the position that `str` wrote.

        Raises:
            InvalidInput: it is none.

        """
        match = POSITION.fullmatch(text)
        numbers = [int(number) for number in match.groups()] if match else []
        if not numbers or max(numbers) > LAST_NUMBER:
            raise InvalidInput("This is not a position that Interlock gave.")
        return cls(*numbers)


LOG_START: Final = Position(0, 0)
"""Before every entry."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of some ticket's history, as the log tells it.

    Attributes:
        position: where to go on after it.
        ticket: as it is now, which may be later than the entry.

    """

    position: Position
    entry: Entry
    ticket: Ticket


def number_of(transaction: ColumnElement[object]) -> ColumnElement[int]:
    """Return the number of a transaction; PostgreSQL converts it by way of text only."""
    return cast(cast(transaction, Text), BigInteger)


POSITION_COLUMNS: Final = (ticket_status_history.c.transaction, ticket_status_history.c.entry)
AFTER_TRANSACTION: Final = bindparam("after_transaction", type_=BigInteger)
AFTER_ENTRY: Final = bindparam("after_entry", type_=BigInteger)
OLDEST_RUNNING: Final = number_of(func.pg_snapshot_xmin(func.pg_current_snapshot()))
NEXT_TRANSACTION: Final = number_of(func.pg_snapshot_xmax(func.pg_current_snapshot()))

AFTER: Final = Statement.of(
    select(ticket_status_history, *TICKET_COLUMNS)
    .join(tickets)
    .where(
        tuple_(*POSITION_COLUMNS) > tuple_(AFTER_TRANSACTION, AFTER_ENTRY),
        ticket_status_history.c.transaction < OLDEST_RUNNING,
    )
    .order_by(*POSITION_COLUMNS)
    .limit(bindparam("at_most", type_=BigInteger))
)
BOUNDS: Final = Statement.of(select(OLDEST_RUNNING.label("oldest"), NEXT_TRANSACTION.label("next")))


async def read_log(source: Database | Session, position: Position, limit: int) -> list[LogEntry]:
    """Return the entries that come next in the log, at most `limit`; none if there is no news."""
    rows = await source.rows(
        AFTER,
        after_transaction=position.transaction,
        after_entry=position.entry,
        at_most=limit,
    )
    return [
        LogEntry(Position(row["transaction"], row["entry"]), entry_of(row), ticket_of(row))
        for row in rows
    ]


async def log_end(source: Database | Session) -> Position:
    """Return the position behind everything that can be read now.

    Whoever takes it first and reads tickets then, misses nothing: what the tickets don't show yet
    comes after it.
    """
    oldest, _ = await bounds(source)
    return Position(oldest - 1, LAST_NUMBER)


async def parse_position(source: Database | Session, text: str) -> Position:
    """Return the position of that text, if this database can have given it.

    Raises:
        InvalidInput: it is none, or one of another database, whose entries it would skip here.

    """
    position = Position.parse(text)
    _, following = await bounds(source)
    if position.transaction >= following:
        raise InvalidInput(
            "This position is of another database, perhaps from before a backup was restored:"
            " read the tickets again, and follow from now on."
        )
    return position


async def bounds(source: Database | Session) -> tuple[int, int]:
    """Return the oldest transaction that still runs, and the number that the next one gets."""
    row = await source.row(BOUNDS)
    if row is None:
        raise LookupError(BOUNDS.sql)
    return row["oldest"], row["next"]
