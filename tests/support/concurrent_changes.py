"""Changes to run concurrently or to interrupt, and checks of their results."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from engine.audit.history import HistoryFlaw
from engine.storage.history.audit import audit_histories
from engine.storage.postgres.database import Database
from engine.storage.tickets.search import find_tickets
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import (
    AssignTicket,
    CommentTicket,
    CreateTicket,
    StartTicket,
    TransferTicket,
    TransitionTicket,
    UpdateTicket,
)
from engine.tickets.search import PageRequest
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from engine.vocabulary import Status
from tests.support.personas import ANNA, MARTON

PICKED_UP = Status.IN_PROGRESS


async def open_ticket(store: TicketStore, requester: Actor = ANNA, /, **values: object) -> Ticket:
    """Open an incident that is assigned to Marton."""
    incident = {"title": "Payments fail", "workflow": "incident_response", "assignee": MARTON.id}
    return await store.create(requester, CreateTicket.parse(**incident | values))


async def pick_up(store: TicketStore, ticket: Ticket, **values: object) -> Ticket:
    command = TransitionTicket.parse(ticket=ticket.id, to=PICKED_UP, **values)
    return await store.transition(MARTON, command)


async def start(store: TicketStore, ticket: Ticket, **values: object) -> Ticket:
    command = StartTicket.parse(ticket=ticket.id, comment="Looking", internal=True, **values)
    return await store.start(MARTON, command)


async def comment(store: TicketStore, ticket: Ticket, **values: object) -> Ticket:
    command = CommentTicket.parse(ticket=ticket.id, text="Looking", **values)
    return await store.comment(MARTON, command)


async def reassign(store: TicketStore, ticket: Ticket, **values: object) -> Ticket:
    command = AssignTicket.parse(ticket=ticket.id, assignee="u_new", **values)
    return await store.assign(MARTON, command)


async def transfer(store: TicketStore, ticket: Ticket, **values: object) -> Ticket:
    command = TransferTicket.parse(ticket=ticket.id, assignee_group="network-team", **values)
    return await store.transfer(MARTON, command)


async def edit(store: TicketStore, ticket: Ticket, **values: object) -> Ticket:
    command = UpdateTicket.parse(ticket=ticket.id, title="Cards fail", priority="LOW", **values)
    return await store.update(MARTON, command)


async def open_another(store: TicketStore, _ticket: Ticket, **values: object) -> Ticket:
    command = CreateTicket.parse(title="Another", workflow="incident_response", **values)
    return await store.create(MARTON, command)


async def pick_up_others(store: TicketStore, times: int, key: dict[str, object]) -> None:
    """Pick up other tickets, so that PostgreSQL switches to generic plans of the statements."""
    for n in range(times):
        earlier = {"idempotency_key": f"k{n}"} if key else {}
        await pick_up(store, await open_ticket(store), **earlier)


Change = Callable[..., Coroutine[Any, Any, Ticket]]


async def flaws(database: Database) -> list[HistoryFlaw]:
    return [flaw async for _, flaw in audit_histories(database) if flaw]


async def versions(database: Database) -> dict[str, int]:
    """Return the version of every ticket, after a check that all histories are valid."""
    assert await flaws(database) == []
    page = await find_tickets(database, SYSTEM_VIEWER, {}, PageRequest(100))
    return {each.id: each.version for each in page.tickets}


CHANGES: dict[str, Change] = {
    "transition": pick_up,
    "start": start,
    "comment": comment,
    "assign": reassign,
    "transfer": transfer,
    "update": edit,
    "create": open_another,
}
every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


KEYED: dict[str, dict[str, object]] = {"without a key": {}, "with a key": {"idempotency_key": "k"}}
with_and_without_a_key = pytest.mark.parametrize("key", KEYED.values(), ids=KEYED)


before_and_after_preparation = pytest.mark.parametrize(
    "times_before", [0, 8], ids=["first use", "generic plan"]
)
