"""Transitions with a comment, and the start of work: several entries by one statement."""

import asyncio
import json

import pytest
from sqlalchemy import select

from engine.errors import Forbidden, ForbiddenTransition, IdempotencyConflict
from engine.storage.history.audit import audit_histories
from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history
from engine.storage.tickets.drift import compare_tickets
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import AssignToMe, StartTicket, TransferTicket, TransitionTicket
from engine.tickets.history import Entry
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from engine.vocabulary import Status
from tests.engine.storage.tickets.test_store import in_status, open_incident
from tests.support.lock_gates import AT_COMMIT, Observer
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER

COLLEAGUE = Actor("u_d5", "Dóra S.", frozenset({"payment-team", "storage-team"}))
AS_MEMBER = json.dumps({"allowed_as": ["group_member"]})
IN_LOG_ORDER = Statement.of(
    select(ticket_status_history.c.seq).order_by(
        ticket_status_history.c.transaction, ticket_status_history.c.entry
    )
)
TEXTS = (
    'quotes " and \\ and /',
    "tab\tand\r\nlines",
    "\U0001f525 é \u2028 \u2029 \uffff",
    '{"json": [1, null]}',
    "%s %(name)s $1 :name",
)


async def start(store: TicketStore, actor: Actor, ticket: Ticket, **more: object) -> Ticket:
    return await store.start(actor, StartTicket.parse(ticket=ticket.id, **more))


async def history_of(database: Database, ticket: Ticket) -> list[Entry]:
    """Return the entries of the ticket, after a check of everything that is stored about it."""
    assert await read_ticket(database, SYSTEM_VIEWER, ticket.id) == ticket
    assert [flaw async for _, flaw in audit_histories(database) if flaw] == []
    async with database.snapshot() as session:
        assert (await compare_tickets(session, lambda: None)).drifted == ()
    return (await read_histories(database, [ticket.id]))[ticket.id]


def values(entries: list[Entry]) -> list[tuple[str, str | None, str | None, int, str | None]]:
    return [
        (each.kind, each.old_value, each.new_value, each.actor_bits, each.details)
        for each in entries
    ]


async def test_a_member_of_the_group_takes_a_ticket_and_starts_it(
    store: TicketStore, database: Database
) -> None:
    ticket = await start(store, MARTON, await open_incident(store))
    assert (ticket.assignee, ticket.status, ticket.version) == (MARTON.id, "IN_PROGRESS", 3)
    _, *entries = await history_of(database, ticket)
    assert values(entries) == [
        ("assignee", None, MARTON.id, 0, AS_MEMBER),
        ("status", "OPEN", "IN_PROGRESS", 1, None),
    ]
    assert len({(each.at, each.actor, each.workflow_revision) for each in entries}) == 1


async def test_an_assignee_starts_a_ticket_by_one_entry(
    store: TicketStore, database: Database
) -> None:
    opened = await store.assign_to_me(
        MARTON, AssignToMe.parse(ticket=(await open_incident(store)).id)
    )
    ticket = await start(store, MARTON, opened)
    assert [each.kind for each in await history_of(database, ticket)] == [
        "created",
        "assignee",
        "status",
    ]


async def test_a_colleague_takes_over_a_resolved_ticket(
    store: TicketStore, database: Database
) -> None:
    ticket = await start(store, COLLEAGUE, await in_status(store, Status.RESOLVED))
    entries = await history_of(database, ticket)
    assert values(entries)[-2:] == [
        ("assignee", MARTON.id, COLLEAGUE.id, 0, AS_MEMBER),
        ("status", "RESOLVED", "IN_PROGRESS", 1, None),
    ]


@pytest.mark.parametrize("internal", [False, True])
async def test_all_entries_of_a_start_are_in_the_order_of_the_log(
    store: TicketStore, database: Database, *, internal: bool
) -> None:
    opened = await open_incident(store)
    ticket = await start(store, MARTON, opened, comment="I look into it", internal=internal)
    entries = await history_of(database, ticket)
    comment = ("note", AS_MEMBER) if internal else ("comment", None)
    assert values(entries)[1:] == [
        (comment[0], None, "I look into it", 0, comment[1]),
        ("assignee", None, MARTON.id, 0, AS_MEMBER),
        ("status", "OPEN", "IN_PROGRESS", 1, None),
    ]
    rows = await database.rows(IN_LOG_ORDER)
    assert [row["seq"] for row in rows] == [1, 2, 3, 4]


@pytest.mark.parametrize("text", TEXTS)
async def test_a_transition_records_its_comment_first(
    store: TicketStore, database: Database, text: str
) -> None:
    opened = await in_status(store, Status.IN_PROGRESS)
    command = TransitionTicket.parse(ticket=opened.id, to="RESOLVED", comment=text)
    ticket = await store.transition(MARTON, command)
    assert (ticket.status, ticket.version) == ("RESOLVED", opened.version + 2)
    assert values(await history_of(database, ticket))[-2:] == [
        ("comment", None, text, 1, None),
        ("status", "IN_PROGRESS", "RESOLVED", 1, None),
    ]


async def test_a_ticket_is_closed_with_a_comment(store: TicketStore, database: Database) -> None:
    opened = await in_status(store, Status.RESOLVED)
    command = TransitionTicket.parse(ticket=opened.id, to="CLOSED", comment="Thank you!")
    ticket = await store.transition(ANNA, command)
    kinds = [each.kind for each in await history_of(database, ticket)]
    assert kinds[-2:] == ["comment", "status"]


async def test_a_start_that_is_refused_changes_nothing(
    store: TicketStore, database: Database
) -> None:
    opened = await open_incident(store)
    for actor, more, holds in (
        (ANNA, {}, ["requester"]),
        (OUTSIDER, {"comment": "Mine"}, []),
        (OUTSIDER, {"idempotency_key": "k"}, []),
    ):
        with pytest.raises(Forbidden, match="can assign") as refused:
            await start(store, actor, opened, **more)
        assert (refused.value.code, refused.value.details["holds"]) == ("forbidden", holds)
    assert len(await history_of(database, opened)) == 1


STATUSES = {
    "which another works on": (Status.IN_PROGRESS, "no_such_transition"),
    "which is closed": (Status.CLOSED, "ticket_closed"),
}


@pytest.mark.parametrize(("status", "reason"), STATUSES.values(), ids=STATUSES)
async def test_a_ticket_cannot_be_started(
    store: TicketStore, database: Database, status: Status, reason: str
) -> None:
    opened = await in_status(store, status)
    for actor in (COLLEAGUE, ADA, MARTON):
        with pytest.raises(ForbiddenTransition) as refused:
            await start(store, actor, opened, comment="Mine now")
        assert refused.value.details["reason"] == reason
    assert len(await history_of(database, opened)) == opened.version


async def test_the_workflow_must_allow_the_transition_to_the_assignee(
    store: TicketStore, database: Database
) -> None:
    opened = await open_incident(store, workflow="access_request")
    ticket = await start(store, MARTON, opened)
    command = TransitionTicket.parse(ticket=ticket.id, to="RESOLVED")
    resolved = await store.transition(MARTON, command)
    with pytest.raises(ForbiddenTransition) as refused:
        await start(store, COLLEAGUE, resolved)
    details = refused.value.details
    assert (details["reason"], details["allowed_roles"]) == ("role_required", ["requester"])
    assert details["actor_roles"] == []
    assert len(await history_of(database, resolved)) == resolved.version


async def test_a_requester_cannot_add_a_note_to_a_transition(
    store: TicketStore, database: Database
) -> None:
    opened = await in_status(store, Status.RESOLVED)
    command = TransitionTicket.parse(ticket=opened.id, to="CLOSED", comment="Ha", internal=True)
    with pytest.raises(Forbidden, match="can add internal notes"):
        await store.transition(ANNA, command)
    assert len(await history_of(database, opened)) == opened.version


async def test_a_key_starts_a_ticket_once(store: TicketStore, database: Database) -> None:
    opened = await open_incident(store)
    keyed = {"idempotency_key": "k", "comment": "I look into it"}
    first = await start(store, MARTON, opened, **keyed)
    command = TransitionTicket.parse(ticket=opened.id, to="RESOLVED")
    resolved = await store.transition(MARTON, command)
    assert await start(store, MARTON, opened, **keyed) == first
    with pytest.raises(IdempotencyConflict):
        await start(store, MARTON, opened, **keyed | {"comment": "Another"})
    assert len(await history_of(database, resolved)) == first.version + 1


async def test_only_one_of_two_colleagues_starts_a_ticket(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    opened = await open_incident(store)
    async with observer.closed_gate("ticket_status_history"):
        first = asyncio.create_task(start(store, MARTON, opened))
        await observer.wait_until_blocked(1)
        second = asyncio.create_task(start(store, COLLEAGUE, opened))
        await observer.wait_until_blocked(2)
    with pytest.raises(ForbiddenTransition) as refused:
        await second
    assert refused.value.details["reason"] == "no_such_transition"
    ticket = await first
    assert ticket.assignee == MARTON.id
    assert len(await history_of(database, ticket)) == 3  # created, assigned, started


async def test_membership_is_judged_after_the_wait(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    """The ticket is transferred while the start waits for it."""
    opened = await open_incident(store)
    transfer = TransferTicket.parse(ticket=opened.id, assignee_group="storage-team")
    async with observer.closed_gate("ticket_status_history", AT_COMMIT):
        transferring = asyncio.create_task(store.transfer(ADA, transfer))
        await observer.wait_until_blocked(1)
        by_former = asyncio.create_task(start(store, MARTON, opened))
        await observer.wait_until_blocked(2)
        by_new = asyncio.create_task(start(store, COLLEAGUE, opened))
        await observer.wait_until_blocked(3)
    await transferring
    with pytest.raises(Forbidden, match="can assign"):
        await by_former
    assert (await by_new).assignee == COLLEAGUE.id
    await history_of(database, await by_new)
