"""Tickets with SLA targets in the database, and their stored due times."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select

from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import tickets
from engine.storage.sla.audit import audit_due_times
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


async def open_ticket_with_targets(store: TicketStore, response: str, resolution: str) -> Ticket:
    """Open an incident of Anna, who states the SLA targets as a member of the group."""
    member = replace(ANNA, groups=MARTON.groups)
    targets = {"targets": {"response": response, "resolution": resolution}}
    return await open_ticket(
        store, member, priority="HIGH", assignee_group="payment-team", sla=targets
    )


async def open_ticket_with_sla(store: TicketStore, **values: object) -> Ticket:
    """Open an incident with a response target of 30 minutes and a resolution target of 8 hours."""
    return await open_ticket(store, **{"priority": "HIGH", "sla": BY_PRIORITY} | values)


async def transition(store: TicketStore, ticket: Ticket, *path: Status) -> Ticket:
    """Move a ticket to each status in turn: Anna closes it, Marton makes all other transitions."""
    for to in path:
        actor = ANNA if to is CLOSED else MARTON
        command = TransitionTicket.parse(ticket=ticket.id, to=to)
        ticket = await store.transition(actor, command)
    return ticket


async def comment_as_requester(store: TicketStore, ticket: Ticket, text: str = "Well") -> Ticket:
    return await store.comment(ANNA, CommentTicket.parse(ticket=ticket.id, text=text))


async def stored(database: Database, ticket: Ticket) -> dict[str, object]:
    row = await database.row(ROW, ticket=ticket.id)
    assert row is not None
    return dict(row)


async def history(database: Database, ticket: Ticket) -> list[Entry]:
    return (await read_histories(database, [ticket.id]))[ticket.id]


async def differences(database: Database) -> list[str]:
    """Return the results of the audit as text."""
    found = []
    async for audit in audit_due_times(database):
        found += [f"{audit.ticket} is stale"] if audit.is_stale else []
        found += audit.differences
    return found


def later(ticket: Ticket, **time: float) -> datetime:
    """Return a time after the ticket was opened."""
    return ticket.created_at + timedelta(**time)
