"""Read and change tickets that only involved users can read."""

from collections.abc import Awaitable, Callable

import pytest

from engine.declaration.models import Readers
from engine.errors import InterlockError, NotFound, VersionConflict
from engine.resources.resource import VISIBILITY, Key, Kind, Resource
from engine.storage.postgres.database import Database
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.storage.tickets.visibility import read_visibility
from engine.tickets.actor import Actor
from engine.tickets.commands import (
    AssignTicket,
    AssignToMe,
    CommentTicket,
    CreateTicket,
    StartTicket,
    TransferTicket,
    TransitionTicket,
    UpdateTicket,
)
from engine.tickets.permissions import can_read
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import Viewer
from engine.vocabulary import Priority, Status, Visibility
from tests.support.declared_resources import put_resources
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER

BELA = Actor("u_d2", "Béla T.")
OTHER_TEAM = Actor("u_e3", "Cili V.", frozenset({"network-team", "payment"}))
NO_TICKET = "tk_000000"

VIEWERS = {
    "its requester": ANNA,
    "its assignee": BELA,
    "a member of its group": MARTON,
    "an admin": ADA,
    "a member of another group": OTHER_TEAM,
    "an outsider who commented": OUTSIDER,
}
INVOLVED = {ANNA, BELA, MARTON, ADA}

Change = Callable[[TicketStore, Actor, str], Awaitable[Ticket]]


async def transition(store: TicketStore, actor: Actor, ticket: str) -> Ticket:
    command = TransitionTicket(ticket=ticket, to=Status.IN_PROGRESS, expected_version=999)
    return await store.transition(actor, command)


async def transition_with_key(store: TicketStore, actor: Actor, ticket: str) -> Ticket:
    command = TransitionTicket(
        ticket=ticket, to=Status.IN_PROGRESS, expected_version=999, idempotency_key="m"
    )
    return await store.transition(actor, command)


async def start(store: TicketStore, actor: Actor, ticket: str) -> Ticket:
    command = StartTicket(ticket=ticket, comment="Hi", internal=True, expected_version=999)
    return await store.start(actor, command)


async def transfer(store: TicketStore, actor: Actor, ticket: str) -> Ticket:
    command = TransferTicket(ticket=ticket, assignee_group=None, expected_version=999)
    return await store.transfer(actor, command)


async def assign(store: TicketStore, actor: Actor, ticket: str) -> Ticket:
    return await store.assign(
        actor, AssignTicket(ticket=ticket, assignee="u_d2", expected_version=999)
    )


async def comment(store: TicketStore, actor: Actor, ticket: str) -> Ticket:
    return await store.comment(
        actor, CommentTicket(ticket=ticket, text="Hello", expected_version=999)
    )


async def comment_with_key(store: TicketStore, actor: Actor, ticket: str) -> Ticket:
    command = CommentTicket(ticket=ticket, text="Hello", expected_version=999, idempotency_key="c")
    return await store.comment(actor, command)


async def edit(store: TicketStore, actor: Actor, ticket: str) -> Ticket:
    return await store.update(actor, UpdateTicket(ticket=ticket, title="Hi", expected_version=999))


CHANGES: dict[str, Change] = {
    each.__name__: each
    for each in (
        *(transition, transition_with_key, start, transfer),
        *(assign, comment, comment_with_key, edit),
    )
}
"""None of them is executed, because no ticket has the expected version."""


@pytest.fixture
async def ticket(store: TicketStore) -> Ticket:
    """Return a ticket of Anna for the payment-team, assigned to Béla; an outsider commented."""
    command = CreateTicket(
        title="Payments fail",
        priority=Priority.LOW,
        workflow="incident_response",
        assignee_group="payment-team",
    )
    opened = await store.create(ANNA, command)
    await store.assign(MARTON, AssignTicket(ticket=opened.id, assignee=BELA.id))
    return await store.comment(OUTSIDER, CommentTicket(ticket=opened.id, text="Here, too"))


@pytest.fixture
def restricted_store(database: Database) -> TicketStore:
    """Return a store whose tickets only involved users can read."""
    return TicketStore(database, Visibility.INVOLVED)


@pytest.mark.parametrize("visibility", Visibility)
@pytest.mark.parametrize("actor", VIEWERS.values(), ids=VIEWERS)
async def test_only_users_who_can_read_a_ticket_read_it(
    actor: Actor, visibility: Visibility, database: Database, ticket: Ticket
) -> None:
    viewer = Viewer(actor, visibility)
    expected = visibility is Visibility.EVERYONE or actor in INVOLVED
    assert can_read(ticket, viewer) is expected
    if expected:
        assert await read_ticket(database, viewer, ticket.id) == ticket
        return
    with pytest.raises(NotFound) as refused:
        await read_ticket(database, viewer, ticket.id)
    assert error_without_id(refused.value, ticket.id) == await not_found(database, viewer)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("actor", VIEWERS.values(), ids=VIEWERS)
async def test_a_change_of_an_unreadable_ticket_looks_like_that_of_a_missing_one(
    change: Change, actor: Actor, restricted_store: TicketStore, ticket: Ticket
) -> None:
    if actor in INVOLVED:
        with pytest.raises(VersionConflict):
            await change(restricted_store, actor, ticket.id)
        return
    with pytest.raises(InterlockError) as hidden:
        await change(restricted_store, actor, ticket.id)
    with pytest.raises(InterlockError) as missing:
        await change(restricted_store, actor, NO_TICKET)
    assert error_without_id(hidden.value, ticket.id) == error_without_id(missing.value, NO_TICKET)


async def not_found(database: Database, viewer: Viewer) -> tuple[object, ...]:
    """Return the error for a ticket that does not exist."""
    with pytest.raises(NotFound) as missing:
        await read_ticket(database, viewer, NO_TICKET)
    return error_without_id(missing.value, NO_TICKET)


def error_without_id(error: InterlockError, ticket: str) -> tuple[object, ...]:
    """Return what a client sees of an error, without the id that it sent."""
    details = {name: str(each).replace(ticket, "") for name, each in error.details.items()}
    return type(error), error.message.replace(ticket, ""), details


async def test_a_user_who_hands_a_ticket_over_gets_a_result_and_can_no_longer_read_it(
    database: Database, restricted_store: TicketStore, ticket: Ticket
) -> None:
    handing_over = AssignTicket(ticket=ticket.id, assignee=OUTSIDER.id, idempotency_key="k")
    handed_over = await restricted_store.assign(BELA, handing_over)
    assert handed_over.assignee == OUTSIDER.id
    assert await restricted_store.assign(BELA, handing_over) == handed_over
    for actor, sees in ((BELA, False), (OUTSIDER, True)):
        viewer = Viewer(actor, Visibility.INVOLVED)
        assert can_read(handed_over, viewer) is sees
        if sees:
            assert await read_ticket(database, viewer, ticket.id) == handed_over
        else:
            with pytest.raises(NotFound):
                await read_ticket(database, viewer, ticket.id)


async def test_a_repeated_transition_has_a_result_after_the_ticket_became_unreadable(
    store: TicketStore, restricted_store: TicketStore, ticket: Ticket
) -> None:
    command = TransitionTicket(ticket=ticket.id, to=Status.IN_PROGRESS, idempotency_key="k")
    moved = await restricted_store.transition(BELA, command)
    await store.assign(MARTON, AssignTicket(ticket=ticket.id, assignee=None))
    assert await restricted_store.transition(BELA, command) == moved
    with pytest.raises(NotFound):
        await restricted_store.transition(OUTSIDER, command)


async def test_everyone_can_read_tickets_by_default(database: Database) -> None:
    def declared(readers: Visibility) -> Resource:
        return Resource.of(Kind.SETTING, VISIBILITY, Readers(readers=readers))

    seen = [await read_visibility(database)]
    for readers in (Visibility.INVOLVED, Visibility.EVERYONE, Visibility.INVOLVED):
        await put_resources(database, [declared(readers)])
        seen.append(await read_visibility(database))
    retired = Resource(
        Key(Kind.SETTING, VISIBILITY), declared(Visibility.INVOLVED).declaration, retired=True
    )
    await put_resources(database, [retired])
    assert [*seen, await read_visibility(database)] == [
        "everyone",
        "involved",
        "everyone",
        "involved",
        "everyone",
    ]


async def test_a_member_who_transfers_a_ticket_to_another_group_gets_it_a_last_time(
    store: TicketStore, restricted_store: TicketStore, ticket: Ticket
) -> None:
    command = TransferTicket(ticket=ticket.id, assignee_group="storage-team", idempotency_key="k")
    transferred = await restricted_store.transfer(MARTON, command)
    assert transferred.assignee_group == "storage-team"
    assert await restricted_store.transfer(MARTON, command) == transferred
    with pytest.raises(NotFound):
        await start(restricted_store, MARTON, ticket.id)
    assert (await store.assign_to_me(ADA, AssignToMe(ticket=ticket.id))).assignee == ADA.id
