"""Admins, and members of declared groups, open tickets for other users."""

import json
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from engine.errors import Forbidden, ForbiddenTransition, NotFound, UnknownUser
from engine.resources.resource import Resource
from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import (
    CreateTicket,
    CreateTicketFromCatalog,
    StartTicket,
    TransitionTicket,
)
from engine.tickets.history import Entry, EntryKind
from engine.tickets.ticket import Ticket, initial_ticket, other_requester
from engine.tickets.viewer import Viewer
from engine.vocabulary import Assignees, Status, Visibility
from tests.support.declared_resources import declare, put_resources
from tests.support.personas import ADA, ANNA, CILI, MARTON, OUTSIDER, sign_in
from tests.support.record_flaws import record_flaws
from tests.support.resources import on_behalf, retired

DECLARED: Final = {
    "onBehalf": ["service-desk", "payment-team"],
    "catalog": {
        "categories": [{"name": "access", "displayName": "Access"}],
        "items": [
            {
                "name": "vpn",
                "category": "access",
                "displayName": "VPN",
                "workflow": "access_request",
                "defaults": {"assigneeGroup": "network-team"},
            }
        ],
    },
}

Open = Callable[..., Awaitable[Ticket]]


async def from_form(store: TicketStore, actor: Actor, **fields: object) -> Ticket:
    form = {"title": "No VPN", "workflow": "access_request", "assignee_group": "network-team"}
    return await store.create(actor, CreateTicket.parse(**form | fields))


async def from_item(store: TicketStore, actor: Actor, **fields: object) -> Ticket:
    command = CreateTicketFromCatalog.parse(item="vpn", **fields)
    return await store.create_from_catalog(actor, command)


FROM_BOTH: Final = pytest.mark.parametrize("open_ticket", [from_form, from_item])


@pytest.fixture(autouse=True)
async def declared(database: Database) -> None:
    await declare(database, **DECLARED)
    await sign_in(database, ANNA)


@pytest.fixture
def store(database: Database) -> TicketStore:
    return TicketStore(database, assignees=Assignees.KNOWN)


async def first_entry(database: Database, ticket: Ticket) -> Entry:
    async with database.transaction() as session:
        return (await read_histories(session, [ticket.id]))[ticket.id][0]


@FROM_BOTH
@pytest.mark.parametrize(("actor", "group"), [(MARTON, "payment-team"), (ADA, None)])
async def test_the_history_has_the_actor_and_the_requester(
    open_ticket: Open, actor: Actor, group: str | None, store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store, actor, requester=ANNA.id)
    assert (ticket.requester, ticket.assignee) == (ANNA.id, None)
    entry = await first_entry(database, ticket)
    assert (entry.actor, entry.kind) == (actor.id, EntryKind.CREATED)
    assert entry.actor_bits == actor.roles_on(None, None)
    assert json.loads(entry.details or "")["on_behalf_group"] == group
    assert initial_ticket(entry) == ticket
    assert other_requester(ticket, entry) == ANNA.id
    assert await record_flaws(database) == []


@FROM_BOTH
async def test_the_requester_confirms_and_the_opener_does_not(
    open_ticket: Open, store: TicketStore
) -> None:
    ticket = await open_ticket(store, MARTON, requester=ANNA.id)
    await store.start(CILI, StartTicket.parse(ticket=ticket.id))
    await store.transition(CILI, TransitionTicket.parse(ticket=ticket.id, to=Status.RESOLVED))
    closing = TransitionTicket.parse(ticket=ticket.id, to=Status.CLOSED)
    with pytest.raises(ForbiddenTransition):
        await store.transition(MARTON, closing)
    assert (await store.transition(ANNA, closing)).status is Status.CLOSED


@FROM_BOTH
async def test_other_users_are_refused(
    open_ticket: Open, store: TicketStore, database: Database
) -> None:
    for actor in (OUTSIDER, CILI):
        with pytest.raises(Forbidden) as refused:
            await open_ticket(store, actor, requester=ANNA.id)
        assert (refused.value.code, refused.value.details["field"]) == ("forbidden", "requester")
        with pytest.raises(Forbidden):  # what an actor cannot do tells them nothing about users
            await open_ticket(store, actor, requester="u_nobody")
        own = await open_ticket(store, actor, requester=actor.id)
        assert other_requester(own, await first_entry(database, own)) is None


NO_LONGER: Final[dict[str, Resource]] = {
    "another group": on_behalf("service-desk"),
    "no group": on_behalf(),
    "retired": retired(on_behalf("payment-team")),
}


@pytest.mark.parametrize("setting", NO_LONGER.values(), ids=NO_LONGER)
async def test_a_group_that_is_no_longer_declared_is_refused(
    setting: Resource, store: TicketStore, database: Database
) -> None:
    earlier = await from_form(store, MARTON, requester=ANNA.id, idempotency_key="once")
    await put_resources(database, [setting])
    with pytest.raises(Forbidden):
        await from_form(store, MARTON, requester=ANNA.id)
    again = await from_form(store, MARTON, requester=ANNA.id, idempotency_key="once")
    assert again == earlier
    assert await record_flaws(database) == []


@FROM_BOTH
async def test_an_unknown_requester_is_refused_as_an_unknown_assignee_is(
    open_ticket: Open, store: TicketStore, database: Database
) -> None:
    with pytest.raises(UnknownUser) as refused:
        await open_ticket(store, MARTON, requester="u_b2")
    assert (refused.value.details["field"], refused.value.details["near"]) == (
        "requester",
        [ANNA.id],
    )
    ticket = await open_ticket(TicketStore(database), MARTON, requester="u_b2")
    assert ticket.requester == "u_b2"


async def test_the_key_belongs_to_the_actor(store: TicketStore) -> None:
    first = await from_item(store, MARTON, requester=ANNA.id, idempotency_key="key")
    assert await from_item(store, MARTON, requester=ANNA.id, idempotency_key="key") == first
    assert (await from_item(store, ANNA, idempotency_key="key")).id != first.id


async def test_an_opener_who_is_not_involved_gets_the_ticket_once(database: Database) -> None:
    store = TicketStore(database, Visibility.INVOLVED)
    ticket = await from_item(store, MARTON, requester=ANNA.id)
    for actor in (ANNA, CILI):
        assert await read_ticket(database, Viewer(actor, Visibility.INVOLVED), ticket.id) == ticket
    with pytest.raises(NotFound):
        await read_ticket(database, Viewer(MARTON, Visibility.INVOLVED), ticket.id)


async def test_the_opener_can_assign_a_ticket_without_a_group_as_the_requester_can(
    store: TicketStore, database: Database
) -> None:
    ticket = await from_form(
        store, MARTON, requester=ANNA.id, assignee=MARTON.id, assignee_group=None
    )
    assert (ticket.requester, ticket.assignee) == (ANNA.id, MARTON.id)
    assert await record_flaws(database) == []
    with pytest.raises(Forbidden):
        await from_form(store, MARTON, requester=ANNA.id, assignee=MARTON.id)
