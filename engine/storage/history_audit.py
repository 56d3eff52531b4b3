"""Walk every ticket's history, in constant memory, and find what does not fit."""

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select

from engine.storage.database import Database, Row, Session
from engine.storage.rows import entry_of, ticket_of
from engine.storage.statements import Statement
from engine.storage.tables import ticket_status_history, tickets
from engine.tickets.audit import Flaw, Sealed, first_flaw

PREFETCHED_ROWS: Final = 2_000

TICKETS: Final = Statement.of(select(tickets).order_by(tickets.c.id))
HISTORY: Final = Statement.of(
    select(ticket_status_history).order_by(
        ticket_status_history.c.ticket, ticket_status_history.c.seq
    )
)
COUNT: Final = Statement.of(select(func.count().label("tickets")).select_from(tickets))


async def audit_histories(database: Database) -> AsyncIterator[tuple[str, Flaw | None]]:
    """Yield every ticket's id with the first flaw of its history, in the order of the ids.

    It is done in one snapshot: a change that is made meanwhile is seen whole or not at all.
    """
    async with database.snapshot() as session:
        async for audited in audit_in(session):
            yield audited


async def audit_in(session: Session) -> AsyncIterator[tuple[str, Flaw | None]]:
    """Do as `audit_histories` does, inside a transaction that sees one state of the database.

    Both tables are read once, side by side.
    """
    histories = by_ticket(session.stream(HISTORY, PREFETCHED_ROWS))
    history = await anext(histories, NO_MORE)
    async for row in session.stream(TICKETS, PREFETCHED_ROWS):
        while history.ticket < row["id"]:
            yield history.ticket, history.orphaned
            history = await anext(histories, NO_MORE)
        own = history.ticket == row["id"]
        yield row["id"], first_flaw(ticket_of(row), row["head"], history.entries if own else [])
        history = await anext(histories, NO_MORE) if own else history
    while history is not NO_MORE:
        yield history.ticket, history.orphaned
        history = await anext(histories, NO_MORE)


@dataclass(frozen=True, slots=True)
class History:
    """The entries of one ticket."""

    ticket: str
    entries: list[Sealed]

    @property
    def orphaned(self) -> Flaw:
        """The flaw of a history without a ticket."""
        return Flaw(self.ticket, self.entries[0].entry.seq, "there is no such ticket")


NO_MORE: Final = History(chr(sys.maxunicode), [])
"""What comes after every history."""


async def by_ticket(rows: AsyncIterator[Row]) -> AsyncIterator[History]:
    """Yield the rows of the history as one history a ticket."""
    history: History | None = None
    async for row in rows:
        if history is None or history.ticket != row["ticket"]:
            if history is not None:
                yield history
            history = History(row["ticket"], [])
        history.entries.append(Sealed(entry_of(row), row["digest"]))
    if history is not None:
        yield history


async def count_tickets(database: Database) -> int:
    """Return how many tickets there are."""
    row = await database.row(COUNT)
    return row["tickets"] if row else 0
