"""The life cycle of a ticket on a real database."""

from collections.abc import Awaitable, Callable

import pytest

from engine.errors import (
    Forbidden,
    ForbiddenTransition,
    IdempotencyConflict,
    NotFound,
    TicketClosed,
    VersionConflict,
    WorkflowRetired,
)
from engine.storage.history.audit import audit_histories
from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.search import find_tickets
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import (
    AssignTicket,
    AssignToMe,
    CommentTicket,
    CreateTicket,
    TransferTicket,
    TransitionTicket,
    UpdateTicket,
)
from engine.tickets.search import PageRequest
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from engine.vocabulary import Priority, Status
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER

INCIDENT = {
    "title": "Payments fail",
    "workflow": "incident_response",
    "priority": "CRITICAL",
    "assignee_group": "payment-team",
}


async def open_incident(store: TicketStore, **changed: object) -> Ticket:
    return await store.create(ANNA, CreateTicket.parse(**INCIDENT | changed))


async def transition(store: TicketStore, actor: Actor, ticket: Ticket, to: Status) -> Ticket:
    return await store.transition(actor, TransitionTicket.parse(ticket=ticket.id, to=to))


async def in_status(store: TicketStore, status: Status) -> Ticket:
    """Return an incident that Anna requested and Marton moved to `status`."""
    ticket = await open_incident(store)
    ticket = await store.assign(MARTON, AssignTicket.parse(ticket=ticket.id, assignee=MARTON.id))
    for to, actor in zip(tuple(Status)[1:], (MARTON, MARTON, ANNA), strict=True):
        if ticket.status is not status:
            ticket = await transition(store, actor, ticket, to)
    return ticket


async def test_an_incident_is_opened_picked_up_resolved_and_confirmed(
    store: TicketStore, database: Database
) -> None:
    ticket = await in_status(store, Status.CLOSED)
    ticket = await store.comment(ANNA, CommentTicket.parse(ticket=ticket.id, text='"Köszi" <3'))
    assert ticket == await read_ticket(database, SYSTEM_VIEWER, ticket.id)
    entries = (await read_histories(database, [ticket.id]))[ticket.id]
    assert [
        (each.actor, each.kind, each.old_value, each.new_value, each.actor_bits) for each in entries
    ] == [
        ("u_b1", "created", None, "OPEN", 2),
        ("u_c4", "assignee", None, "u_c4", 0),
        ("u_c4", "status", "OPEN", "IN_PROGRESS", 1),
        ("u_c4", "status", "IN_PROGRESS", "RESOLVED", 1),
        ("u_b1", "status", "RESOLVED", "CLOSED", 2),
        ("u_b1", "comment", None, '"Köszi" <3', 2),
    ]
    assert [each.seq for each in entries] == list(range(1, ticket.version + 1))
    assert {each.workflow_revision for each in entries} != {None}
    assert [flaw async for _, flaw in audit_histories(database)] == [None]


FORBIDDEN = {
    "a status cannot be skipped": (Status.OPEN, MARTON, Status.RESOLVED, "no_such_transition"),
    "the requester cannot pick up": (Status.OPEN, ANNA, Status.IN_PROGRESS, "role_required"),
    "an admin is not the assignee": (Status.OPEN, ADA, Status.IN_PROGRESS, "role_required"),
    "the assignee cannot confirm": (Status.RESOLVED, MARTON, Status.CLOSED, "role_required"),
    "an outsider cannot re-open": (Status.RESOLVED, OUTSIDER, Status.IN_PROGRESS, "role_required"),
    "a closed ticket stays closed": (Status.CLOSED, ANNA, Status.OPEN, "ticket_closed"),
}


@pytest.mark.parametrize(("status", "actor", "to", "reason"), FORBIDDEN.values(), ids=FORBIDDEN)
async def test_a_forbidden_transition_has_a_reason_and_changes_nothing(
    store: TicketStore, database: Database, status: Status, actor: Actor, to: Status, reason: str
) -> None:
    ticket = await in_status(store, status)
    with pytest.raises(ForbiddenTransition) as refused:
        await transition(store, actor, ticket, to)
    details = refused.value.details
    assert (details["reason"], details["from"], details["to"]) == (reason, status, to)
    assert await read_ticket(database, SYSTEM_VIEWER, ticket.id) == ticket
    assert len((await read_histories(database, [ticket.id]))[ticket.id]) == ticket.version


async def test_a_refusal_lists_allowed_roles_and_available_statuses(store: TicketStore) -> None:
    ticket = await in_status(store, Status.RESOLVED)
    with pytest.raises(ForbiddenTransition) as refused:
        await transition(store, MARTON, ticket, Status.CLOSED)
    assert refused.value.details == {
        "ticket": ticket.id,
        "workflow": "incident_response",
        "from": "RESOLVED",
        "to": "CLOSED",
        "actor_roles": ["assignee"],
        "allowed": False,
        "reason": "role_required",
        "allowed_roles": ["requester"],
        "available_statuses": ["IN_PROGRESS"],
        "shortest_path": ["RESOLVED", "CLOSED"],
    }


async def test_a_retired_workflow_refuses_transitions_and_new_tickets(
    store: TicketStore, database: Database
) -> None:
    ticket = await in_status(store, Status.RESOLVED)
    async with database.pool.acquire() as connection:
        await connection.execute("UPDATE workflows SET retired_at = now()")
    with pytest.raises(ForbiddenTransition) as refused:
        await transition(store, ANNA, ticket, Status.CLOSED)
    assert refused.value.details["reason"] == "workflow_retired"
    with pytest.raises(WorkflowRetired):
        await open_incident(store)


async def test_a_policy_that_changed_is_enforced_at_once(
    store: TicketStore, database: Database
) -> None:
    ticket = await in_status(store, Status.RESOLVED)
    async with database.pool.acquire() as connection:
        await connection.execute("UPDATE workflows SET policy = 0 WHERE name = 'incident_response'")
    with pytest.raises(ForbiddenTransition) as refused:
        await transition(store, ANNA, ticket, Status.CLOSED)
    assert refused.value.details["reason"] == "no_such_transition"


async def test_an_unknown_ticket_or_workflow_is_not_found(store: TicketStore) -> None:
    command = TransitionTicket.parse(ticket="tk_000000", to=Status.CLOSED)
    with pytest.raises(NotFound):
        await store.transition(ANNA, command)
    with pytest.raises(NotFound):
        await store.comment(ANNA, CommentTicket.parse(ticket="tk_000000", text="Hello"))
    with pytest.raises(NotFound, match="Did you mean 'incident_response'"):
        await open_incident(store, workflow="incident_respons")


Change = Callable[..., Awaitable[Ticket]]

CHANGES: dict[str, Change] = {
    "transition": lambda store, ticket, **more: store.transition(
        MARTON, TransitionTicket.parse(ticket=ticket.id, to=Status.RESOLVED, **more)
    ),
    "transition with a comment": lambda store, ticket, **more: store.transition(
        MARTON,
        TransitionTicket.parse(ticket=ticket.id, to=Status.RESOLVED, comment="Done", **more),
    ),
    "assign to me": lambda store, ticket, **more: store.assign_to_me(
        ADA, AssignToMe.parse(ticket=ticket.id, **more)
    ),
    "assign": lambda store, ticket, **more: store.assign(
        MARTON, AssignTicket.parse(ticket=ticket.id, assignee=None, **more)
    ),
    "transfer": lambda store, ticket, **more: store.transfer(
        MARTON, TransferTicket.parse(ticket=ticket.id, assignee_group="network-team", **more)
    ),
    "comment": lambda store, ticket, **more: store.comment(
        MARTON, CommentTicket.parse(ticket=ticket.id, text="Looking", **more)
    ),
    "update": lambda store, ticket, **more: store.update(
        MARTON,
        UpdateTicket.parse(ticket=ticket.id, title="New", priority=Priority.LOW, **more),
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_the_expected_version_is_checked(
    store: TicketStore, database: Database, change: Change
) -> None:
    ticket = await in_status(store, Status.IN_PROGRESS)
    with pytest.raises(VersionConflict) as refused:
        await change(store, ticket, expected_version=ticket.version - 1)
    assert refused.value.details["current_version"] == ticket.version
    assert await read_ticket(database, SYSTEM_VIEWER, ticket.id) == ticket
    assert (await change(store, ticket, expected_version=ticket.version)).version > ticket.version


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_key_executes_a_request_once(
    store: TicketStore, database: Database, change: Change
) -> None:
    ticket = await in_status(store, Status.IN_PROGRESS)
    first = await change(store, ticket, idempotency_key="k1")
    last = await store.comment(ANNA, CommentTicket.parse(ticket=ticket.id, text="Meanwhile"))
    assert await change(store, ticket, idempotency_key="k1") == first
    assert await read_ticket(database, SYSTEM_VIEWER, ticket.id) == last
    assert [flaw async for _, flaw in audit_histories(database)] == [None]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_key_belongs_to_one_request(
    store: TicketStore, database: Database, change: Change
) -> None:
    ticket = await in_status(store, Status.IN_PROGRESS)
    await change(store, ticket, idempotency_key="k1")
    other = await in_status(store, Status.IN_PROGRESS)
    with pytest.raises(IdempotencyConflict):
        await change(store, other, idempotency_key="k1")
    assert await read_ticket(database, SYSTEM_VIEWER, other.id) == other


async def test_a_ticket_is_created_once_for_a_key(store: TicketStore, database: Database) -> None:
    first = await open_incident(store, idempotency_key="k1")
    await change_title(store, first)
    assert await open_incident(store, idempotency_key="k1") == first
    with pytest.raises(IdempotencyConflict):
        await open_incident(store, idempotency_key="k1", title="Another")
    assert len((await find_tickets(database, SYSTEM_VIEWER, {}, PageRequest(10))).tickets) == 1


async def change_title(store: TicketStore, ticket: Ticket) -> None:
    await store.update(ANNA, UpdateTicket.parse(ticket=ticket.id, title="Changed since"))


async def test_a_refused_request_leaves_its_key_free(store: TicketStore) -> None:
    ticket = await open_incident(store)
    with pytest.raises(Forbidden):
        await store.assign(
            OUTSIDER,
            AssignTicket.parse(ticket=ticket.id, assignee=ANNA.id, idempotency_key="k1"),
        )
    with pytest.raises(ForbiddenTransition):
        await store.transition(
            OUTSIDER,
            TransitionTicket.parse(ticket=ticket.id, to="CLOSED", idempotency_key="k1"),
        )
    comment = CommentTicket.parse(ticket=ticket.id, text="Well", idempotency_key="k1")
    assert (await store.comment(OUTSIDER, comment)).version == ticket.version + 1


async def test_two_users_can_use_the_same_key(store: TicketStore) -> None:
    ticket = await open_incident(store)
    command = CommentTicket.parse(ticket=ticket.id, text="Same", idempotency_key="k1")
    assert await store.comment(ANNA, command) != await store.comment(MARTON, command)


async def test_an_edit_records_each_field_that_changes(
    store: TicketStore, database: Database
) -> None:
    ticket = await open_incident(store)
    command = UpdateTicket.parse(ticket=ticket.id, title="Cards fail", priority="CRITICAL")
    changed = await store.update(ANNA, command)
    assert (changed.title, changed.version) == ("Cards fail", ticket.version + 1)
    assert await store.update(ANNA, command) == changed
    entries = (await read_histories(database, [ticket.id]))[ticket.id]
    assert [(each.kind, each.old_value, each.new_value) for each in entries[1:]] == [
        ("title", "Payments fail", "Cards fail")
    ]


CLOSED_REFUSES: dict[str, Change] = {
    "a new assignee": lambda store, ticket: store.assign(
        ADA, AssignTicket.parse(ticket=ticket.id, assignee="u_b1")
    ),
    "an edit": lambda store, ticket: store.update(
        ADA, UpdateTicket.parse(ticket=ticket.id, title="Late")
    ),
}


@pytest.mark.parametrize("change", CLOSED_REFUSES.values(), ids=CLOSED_REFUSES)
async def test_a_closed_ticket_refuses(store: TicketStore, change: Change) -> None:
    ticket = await in_status(store, Status.CLOSED)
    with pytest.raises(TicketClosed):
        await change(store, ticket)
