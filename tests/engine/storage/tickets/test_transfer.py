"""Tickets that get another assignee group, on a real database."""

import pytest

from engine.errors import Forbidden, TicketClosed
from engine.storage.history.audit import audit_histories
from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.storage.tickets.users import save_user
from engine.tickets.actor import Actor
from engine.tickets.commands import AssignTicket, CreateTicket, TransferTicket
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from engine.vocabulary import Status
from tests.engine.storage.tickets.test_store import in_status
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER

NETWORK, PAYMENTS = "network-team", "payment-team"
BOTH = Actor("u_d5", "Dóra S.", frozenset({NETWORK, PAYMENTS}))


async def transfer(
    store: TicketStore, actor: Actor, ticket: Ticket, group: str | None, **more: object
) -> Ticket:
    command = TransferTicket.parse(ticket=ticket.id, assignee_group=group, **more)
    return await store.transfer(actor, command)


async def changes(database: Database, ticket: Ticket) -> list[tuple[str, str | None, str | None]]:
    """Return kind, old and new value of each entry after the first; all histories are valid."""
    assert [flaw async for _, flaw in audit_histories(database) if flaw] == []
    assert await read_ticket(database, SYSTEM_VIEWER, ticket.id) == ticket
    history = (await read_histories(database, [ticket.id]))[ticket.id]
    return [(each.kind, each.old_value, each.new_value) for each in history[1:]]


async def assigned(store: TicketStore, assignee: str, group: str | None = PAYMENTS) -> Ticket:
    command = CreateTicket.parse(
        title="Payments fail", workflow="incident_response", assignee_group=group, assignee=assignee
    )
    return await store.create(ADA, command)


async def test_a_transfer_removes_an_assignee_who_is_not_a_member(
    store: TicketStore, database: Database
) -> None:
    await save_user(database, MARTON)
    ticket = await transfer(store, MARTON, await assigned(store, MARTON.id), NETWORK)
    assert (ticket.assignee, ticket.assignee_group, ticket.version) == (None, NETWORK, 3)
    assert await changes(database, ticket) == [
        ("assignee_group", PAYMENTS, NETWORK),
        ("assignee", MARTON.id, None),
    ]
    with pytest.raises(Forbidden, match="can transfer"):
        await transfer(store, MARTON, ticket, PAYMENTS)


async def test_a_member_of_the_new_group_stays_the_assignee(
    store: TicketStore, database: Database
) -> None:
    await save_user(database, BOTH)
    ticket = await transfer(store, MARTON, await assigned(store, BOTH.id), NETWORK)
    assert (ticket.assignee, ticket.version) == (BOTH.id, 2)
    assert await changes(database, ticket) == [("assignee_group", PAYMENTS, NETWORK)]


async def test_the_groups_of_an_assignee_who_transfers_are_those_of_the_token(
    store: TicketStore, database: Database
) -> None:
    await save_user(database, Actor(BOTH.id, BOTH.name))
    ticket = await transfer(store, BOTH, await assigned(store, BOTH.id), NETWORK)
    assert (ticket.assignee, ticket.version) == (BOTH.id, 2)


async def test_an_assignee_who_never_signed_in_is_removed(store: TicketStore) -> None:
    ticket = await transfer(store, ADA, await assigned(store, "u_new"), NETWORK)
    assert ticket.assignee is None


async def test_without_a_new_group_the_assignee_stays(
    store: TicketStore, database: Database
) -> None:
    ticket = await transfer(store, MARTON, await assigned(store, MARTON.id), None)
    assert (ticket.assignee, ticket.assignee_group) == (MARTON.id, None)
    assert await changes(database, ticket) == [("assignee_group", PAYMENTS, None)]


async def test_the_requester_of_a_ticket_without_a_group_can_give_it_one(
    store: TicketStore, database: Database
) -> None:
    opened = CreateTicket.parse(
        title="Printer", workflow="service_request", assignee=MARTON.id, assignee_group=None
    )
    ticket = await store.create(ANNA, opened)
    ticket = await transfer(store, ANNA, ticket, NETWORK)
    assert await changes(database, ticket) == [
        ("assignee_group", None, NETWORK),
        ("assignee", MARTON.id, None),
    ]
    with pytest.raises(Forbidden):
        await transfer(store, ANNA, ticket, PAYMENTS)


async def test_a_transfer_to_the_current_group_changes_nothing(store: TicketStore) -> None:
    ticket = await assigned(store, ANNA.id)
    assert await transfer(store, MARTON, ticket, PAYMENTS) == ticket


async def test_an_uninvolved_user_cannot_transfer(store: TicketStore) -> None:
    with pytest.raises(Forbidden) as refused:
        await transfer(store, OUTSIDER, await assigned(store, MARTON.id), NETWORK)
    assert refused.value.details["allowed_roles"] == ["admin", "assignee", "group_member"]


async def test_a_closed_ticket_keeps_its_group(store: TicketStore) -> None:
    with pytest.raises(TicketClosed):
        await transfer(store, ADA, await in_status(store, Status.CLOSED), NETWORK)


async def test_the_new_group_can_assign_and_the_former_one_cannot(store: TicketStore) -> None:
    ticket = await transfer(store, ADA, await assigned(store, ANNA.id), NETWORK)
    to_self = AssignTicket.parse(ticket=ticket.id, assignee=BOTH.id)
    with pytest.raises(Forbidden):
        await store.assign(MARTON, to_self)
    assert (await store.assign(BOTH, to_self)).assignee == BOTH.id
