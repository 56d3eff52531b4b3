"""Tickets in sight of those who are involved only: read, changed, and answered once more."""

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
    CommentTicket,
    CreateTicket,
    TransitionTicket,
    UpdateTicket,
)
from engine.tickets.permissions import can_read
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import Viewer
from engine.vocabulary import Priority, Status, Visibility
from tests.support.declared_resources import put
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
    "who commented": OUTSIDER,
}
INVOLVED = {ANNA, BELA, MARTON, ADA}

Change = Callable[[TicketStore, Actor, str], Awaitable[Ticket]]


async def move(store: TicketStore, actor: Actor, ticket: str) -> Ticket:
    form = TransitionTicket(ticket=ticket, to=Status.IN_PROGRESS, expected_version=999)
    return await store.transition(actor, form)


async def move_once(store: TicketStore, actor: Actor, ticket: str) -> Ticket:
    form = TransitionTicket(
        ticket=ticket, to=Status.IN_PROGRESS, expected_version=999, idempotency_key="m"
    )
    return await store.transition(actor, form)


async def assign(store: TicketStore, actor: Actor, ticket: str) -> Ticket:
    return await store.assign(
        actor, AssignTicket(ticket=ticket, assignee="u_d2", expected_version=999)
    )


async def comment(store: TicketStore, actor: Actor, ticket: str) -> Ticket:
    return await store.comment(
        actor, CommentTicket(ticket=ticket, text="Hello", expected_version=999)
    )


async def comment_once(store: TicketStore, actor: Actor, ticket: str) -> Ticket:
    form = CommentTicket(ticket=ticket, text="Hello", expected_version=999, idempotency_key="c")
    return await store.comment(actor, form)


async def edit(store: TicketStore, actor: Actor, ticket: str) -> Ticket:
    return await store.update(actor, UpdateTicket(ticket=ticket, title="Hi", expected_version=999))


CHANGES: dict[str, Change] = {
    each.__name__: each for each in (move, move_once, assign, comment, comment_once, edit)
}
"""None of them is carried out: each expects a version that no ticket has."""


@pytest.fixture
async def ticket(store: TicketStore) -> Ticket:
    """Return a ticket of Anna's for the payment-team, assigned to Béla; a stranger commented."""
    form = CreateTicket(
        title="Payments fail",
        priority=Priority.LOW,
        workflow="incident_response",
        assignee_group="payment-team",
    )
    opened = await store.create(ANNA, form)
    await store.assign(MARTON, AssignTicket(ticket=opened.id, assignee=BELA.id))
    return await store.comment(OUTSIDER, CommentTicket(ticket=opened.id, text="Here, too"))


@pytest.fixture
def discreet(database: Database) -> TicketStore:
    """Return a store whose tickets are for the involved."""
    return TicketStore(database, Visibility.INVOLVED)


@pytest.mark.parametrize("visibility", Visibility)
@pytest.mark.parametrize("actor", VIEWERS.values(), ids=VIEWERS)
async def test_a_ticket_is_read_by_whoever_may_read_it(
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
    assert told(refused.value, ticket.id) == await not_found(database, viewer)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("actor", VIEWERS.values(), ids=VIEWERS)
async def test_a_ticket_out_of_sight_is_no_ticket_to_whoever_would_change_it(
    change: Change, actor: Actor, discreet: TicketStore, ticket: Ticket
) -> None:
    if actor in INVOLVED:
        with pytest.raises(VersionConflict):
            await change(discreet, actor, ticket.id)
        return
    with pytest.raises(InterlockError) as hidden:
        await change(discreet, actor, ticket.id)
    with pytest.raises(InterlockError) as missing:
        await change(discreet, actor, NO_TICKET)
    assert told(hidden.value, ticket.id) == told(missing.value, NO_TICKET)


async def not_found(database: Database, viewer: Viewer) -> tuple[object, ...]:
    """Return what is told of a ticket that does not exist."""
    with pytest.raises(NotFound) as missing:
        await read_ticket(database, viewer, NO_TICKET)
    return told(missing.value, NO_TICKET)


def told(error: InterlockError, ticket: str) -> tuple[object, ...]:
    """Return all that a client sees of a refusal, but for the id that it sent."""
    details = {name: str(each).replace(ticket, "") for name, each in error.details.items()}
    return type(error), error.message.replace(ticket, ""), details


async def test_whoever_hands_a_ticket_over_is_answered_and_then_has_lost_sight_of_it(
    database: Database, discreet: TicketStore, ticket: Ticket
) -> None:
    handing_over = AssignTicket(ticket=ticket.id, assignee=OUTSIDER.id, idempotency_key="k")
    handed_over = await discreet.assign(BELA, handing_over)
    assert handed_over.assignee == OUTSIDER.id
    assert await discreet.assign(BELA, handing_over) == handed_over
    for actor, sees in ((BELA, False), (OUTSIDER, True)):
        viewer = Viewer(actor, Visibility.INVOLVED)
        assert can_read(handed_over, viewer) is sees
        if sees:
            assert await read_ticket(database, viewer, ticket.id) == handed_over
        else:
            with pytest.raises(NotFound):
                await read_ticket(database, viewer, ticket.id)


async def test_a_transition_under_a_key_is_answered_again_also_out_of_sight(
    store: TicketStore, discreet: TicketStore, ticket: Ticket
) -> None:
    form = TransitionTicket(ticket=ticket.id, to=Status.IN_PROGRESS, idempotency_key="k")
    moved = await discreet.transition(BELA, form)
    await store.assign(MARTON, AssignTicket(ticket=ticket.id, assignee=None))
    assert await discreet.transition(BELA, form) == moved
    with pytest.raises(NotFound):
        await discreet.transition(OUTSIDER, form)


async def test_everyone_reads_until_something_else_is_declared(database: Database) -> None:
    def declared(readers: Visibility) -> Resource:
        return Resource.of(Kind.SETTING, VISIBILITY, Readers(readers=readers))

    seen = [await read_visibility(database)]
    for readers in (Visibility.INVOLVED, Visibility.EVERYONE, Visibility.INVOLVED):
        await put(database, [declared(readers)])
        seen.append(await read_visibility(database))
    retired = Resource(
        Key(Kind.SETTING, VISIBILITY), declared(Visibility.INVOLVED).declaration, retired=True
    )
    await put(database, [retired])
    assert [*seen, await read_visibility(database)] == [
        "everyone",
        "involved",
        "everyone",
        "involved",
        "everyone",
    ]
