"""Tickets for which something was promised, and a look at what is stored beside them."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, select

from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import tickets
from engine.storage.sla.audit import audit_due_times
from engine.storage.sla.breaches import sweep_due_times
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import CommentTicket, TransitionTicket
from engine.tickets.history import Entry
from engine.tickets.ticket import Ticket
from engine.vocabulary import Status
from tests.support.concurrent_changes import open_ticket
from tests.support.personas import ANNA, MARTON

ROW = Statement.of(select(tickets).where(tickets.c.id == bindparam("ticket")))
BY_PRIORITY = {"by_priority": True}
PICKED_UP, RESOLVED, CLOSED = Status.IN_PROGRESS, Status.RESOLVED, Status.CLOSED


async def open_ticket_with_sla(store: TicketStore, **values: object) -> Ticket:
    """Open an incident that is to be picked up in 30 minutes and resolved in 8 hours."""
    return await open_ticket(store, **{"priority": "HIGH", "sla": BY_PRIORITY} | values)


async def move(store: TicketStore, ticket: Ticket, *path: Status) -> Ticket:
    """Take a ticket along a path; Anna closes, Marton does the rest."""
    for to in path:
        actor = ANNA if to is CLOSED else MARTON
        form = TransitionTicket.parse(ticket=ticket.id, to=to)
        ticket = await store.transition(actor, form)
    return ticket


async def say(store: TicketStore, ticket: Ticket, text: str = "Well") -> Ticket:
    return await store.comment(ANNA, CommentTicket.parse(ticket=ticket.id, text=text))


async def stored(database: Database, ticket: Ticket) -> dict[str, object]:
    row = await database.row(ROW, ticket=ticket.id)
    assert row is not None
    return dict(row)


async def told(database: Database, ticket: Ticket) -> list[Entry]:
    return (await read_histories(database, [ticket.id]))[ticket.id]


async def differences(database: Database) -> list[str]:
    """Return what is stored otherwise than told; of stale tickets that they are."""
    found = []
    async for verdict in audit_due_times(database):
        found += [f"{verdict.ticket} is stale"] if verdict.is_stale else []
        found += [str(each) for each in verdict.differences]
    return found


def later(ticket: Ticket, **time: float) -> datetime:
    """Return a moment so long after a ticket was opened."""
    return ticket.created_at + timedelta(**time)


async def sweep_until_nothing_is_due(database: Database) -> None:
    """Note everything that can ever be missed."""
    await sweep_due_times(database, datetime(9000, 1, 1, tzinfo=UTC))
