"""The log: the histories of all tickets as one sequence, which subscribers follow without gaps.

The log is in the order of the transactions that wrote the entries. A transaction can commit after
one that began later, so only entries of transactions that are older than every running one are
read: no entry can appear before them later. Subscribers poll. NOTIFY is not used, because it makes
commits wait for one another.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, cast, func, select, tuple_

from engine.errors import InvalidInput
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.rows import TICKET_COLUMNS, entry_of, ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import LAST_ENTRY, ticket_status_history, tickets
from engine.tickets.history import Entry
from engine.tickets.ticket import Ticket

_POSITION: Final = re.compile(r"(0|[1-9][0-9]{0,18})-(0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A position in the log: behind an entry, or behind whole transactions.

    It is valid in its database and in physical copies of it, but not in a database that was
    restored from a backup. Clients treat its text as opaque.
    """

    transaction: int
    entry: int

    def __str__(self) -> str:
        return f"{self.transaction}-{self.entry}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the position that a text represents.

        Raises:
            InvalidInput: the text is not a position.

        """
        match = _POSITION.fullmatch(text)
        numbers = [int(number) for number in match.groups()] if match else []
        if not numbers or max(numbers) > LAST_ENTRY:
            raise InvalidInput("Invalid position.")
        return cls(*numbers)


LOG_START: Final = Position(0, 0)


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


def _transaction_number(transaction: ColumnElement[object]) -> ColumnElement[int]:
    """Convert a transaction id; PostgreSQL can convert it only to text."""
    return cast(cast(transaction, Text), BigInteger)


POSITION_COLUMNS: Final = (ticket_status_history.c.transaction, ticket_status_history.c.entry)
AFTER_TRANSACTION: Final = bindparam("after_transaction", type_=BigInteger)
AFTER_ENTRY: Final = bindparam("after_entry", type_=BigInteger)
OLDEST_RUNNING: Final = _transaction_number(func.pg_snapshot_xmin(func.pg_current_snapshot()))
NEXT_TRANSACTION: Final = _transaction_number(func.pg_snapshot_xmax(func.pg_current_snapshot()))

_NEXT_ENTRIES: Final = Statement.of(
    select(ticket_status_history, *TICKET_COLUMNS)
    .join(tickets)
    .where(
        tuple_(*POSITION_COLUMNS) > tuple_(AFTER_TRANSACTION, AFTER_ENTRY),
        ticket_status_history.c.transaction < OLDEST_RUNNING,
    )
    .order_by(*POSITION_COLUMNS)
    .limit(bindparam("at_most", type_=BigInteger))
)
_BOUNDS: Final = Statement.of(
    select(OLDEST_RUNNING.label("oldest_running"), NEXT_TRANSACTION.label("next"))
)


async def read_log(source: Database | Session, position: Position, limit: int) -> list[LogEntry]:
    """Return the next entries of the log, at most `limit`; an empty list at its end."""
    rows = await source.rows(
        _NEXT_ENTRIES,
        after_transaction=position.transaction,
        after_entry=position.entry,
        at_most=limit,
    )
    return [
        LogEntry(Position(row["transaction"], row["entry"]), entry_of(row), ticket_of(row))
        for row in rows
    ]


async def log_end(source: Database | Session) -> Position:
    """Return the position behind every entry that can be read now.

    A client that takes this position before it reads tickets misses no change: the log contains
    every change after the position, including those that the tickets do not show yet.
    """
    [row] = await source.rows(_BOUNDS)
    return Position(row["oldest_running"] - 1, LAST_ENTRY)


async def parse_position(source: Database | Session, text: str) -> Position:
    """Return the position that a text represents, if it is possible in this database.

    Raises:
        InvalidInput: the text is not a position, or is one of another database, in which case
            following it would skip entries.

    """
    position = Position.parse(text)
    [row] = await source.rows(_BOUNDS)
    if position.transaction >= row["next"]:
        raise InvalidInput(
            "The position belongs to another database, or to a time before a backup was restored:"
            " read the tickets again and follow from now on."
        )
    return position
