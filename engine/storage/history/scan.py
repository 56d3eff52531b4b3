"""Every ticket with its whole history, in constant memory: two tables, read side by side."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from engine.storage.postgres.database import Row, Session
from engine.storage.postgres.rows import entry_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history, tickets
from engine.tickets.audit import StoredEntry

PREFETCHED_ROWS: Final = 2_000

TICKETS: Final = Statement.of(select(tickets).order_by(tickets.c.id))
HISTORY: Final = Statement.of(
    select(ticket_status_history).order_by(
        ticket_status_history.c.ticket, ticket_status_history.c.seq
    )
)


@dataclass(frozen=True, slots=True)
class TicketHistory:
    """A ticket and its history, of which one may be missing.

    Attributes:
        id: of the ticket.
        row: of `tickets`; None if there is none.
        history: oldest entry first; empty if there is none.

    """

    id: str
    row: Row | None
    history: list[StoredEntry]


async def scan_tickets(session: Session) -> AsyncIterator[TicketHistory]:
    """Yield every ticket, and every history without a ticket, in the order of the ids.

    The transaction must see one state of the database.
    """
    histories = by_ticket(session.stream(HISTORY, PREFETCHED_ROWS))
    history = await anext(histories, None)
    async for row in session.stream(TICKETS, PREFETCHED_ROWS):
        while history is not None and history.id < row["id"]:
            yield history
            history = await anext(histories, None)
        if history is not None and history.id == row["id"]:
            yield TicketHistory(row["id"], row, history.history)
            history = await anext(histories, None)
        else:
            yield TicketHistory(row["id"], row, [])
    while history is not None:
        yield history
        history = await anext(histories, None)


async def by_ticket(rows: AsyncIterator[Row]) -> AsyncIterator[TicketHistory]:
    """Yield the rows of the history as one history a ticket, whose row is yet to be found."""
    told: TicketHistory | None = None
    async for row in rows:
        if told is None or told.id != row["ticket"]:
            if told is not None:
                yield told
            told = TicketHistory(row["ticket"], None, [])
        told.history.append(StoredEntry(entry_of(row), row["digest"]))
    if told is not None:
        yield told
