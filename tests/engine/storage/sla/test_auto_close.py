"""RESOLVED tickets are closed when their grace period is over."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.sla.auto_close import close_resolved_tickets
from engine.storage.sla.breaches import sweep_due_times
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.tickets.system_actor import SystemReason, system_reason
from engine.tickets.viewer import SYSTEM_VIEWER
from engine.vocabulary import SYSTEM, Status
from tests.support.concurrent_changes import comment, open_ticket, versions
from tests.support.declared_resources import declare
from tests.support.stored_sla import (
    CLOSED,
    PICKED_UP,
    RESOLVED,
    comment_as_requester,
    differences,
    history,
    later,
    open_ticket_with_sla,
    stored,
    transition,
)

DAY = timedelta(days=1)


async def test_the_system_closes_a_ticket_with_a_reason(
    store: TicketStore, database: Database
) -> None:
    ticket = await transition(store, await open_ticket_with_sla(store), PICKED_UP, RESOLVED)
    since = ticket.updated_at
    assert (await stored(database, ticket))["auto_close_from"] == since
    assert await close_resolved_tickets(database, since + 3 * DAY) == 0
    now = since + 3 * DAY + timedelta(seconds=1)
    assert await close_resolved_tickets(database, now) == 1
    assert await close_resolved_tickets(database, now) == 0
    entry = (await history(database, ticket))[-1]
    assert (entry.old_value, entry.new_value, entry.actor) == (RESOLVED, CLOSED, SYSTEM)
    assert system_reason(entry) is SystemReason.GRACE_PERIOD_OVER
    assert (entry.at, entry.actor_bits) == (now, 0)
    assert (await read_ticket(database, SYSTEM_VIEWER, ticket.id)).status is CLOSED
    assert (await stored(database, ticket))["auto_close_from"] is None
    assert await differences(database) == []
    assert await versions(database) == {ticket.id: 4}


async def test_only_comments_by_the_requester_restart_the_grace_period(
    store: TicketStore, database: Database
) -> None:
    ticket = await transition(store, await open_ticket_with_sla(store), PICKED_UP, RESOLVED)
    await comment(store, ticket)
    assert (await stored(database, ticket))["auto_close_from"] == ticket.updated_at
    commented = await comment_as_requester(store, ticket)
    assert (await stored(database, ticket))["auto_close_from"] == commented.updated_at
    assert await close_resolved_tickets(database, commented.updated_at + 3 * DAY) == 0
    await sweep_due_times(database)
    assert await differences(database) == []


async def test_a_reopened_ticket_is_not_closed(store: TicketStore, database: Database) -> None:
    ticket = await transition(store, await open_ticket(store), PICKED_UP, RESOLVED, PICKED_UP)
    await comment_as_requester(store, ticket)
    assert (await stored(database, ticket))["auto_close_from"] is None
    assert await close_resolved_tickets(database, later(ticket, days=99)) == 0


NOT_CLOSABLE = {
    "name": "not_closable",
    "transitions": [
        {"from": "OPEN", "to": "RESOLVED", "role": "assignee"},
        {"from": "RESOLVED", "to": "OPEN", "role": "any"},
    ],
}
DEFAULT = {
    "name": "default",
    "transitions": [
        {"from": "OPEN", "to": "RESOLVED", "role": "assignee"},
        {"from": "RESOLVED", "to": "CLOSED", "role": "any"},
    ],
}
SHORT = DEFAULT | {"name": "short", "autoClose": {"afterResolved": "1h"}}
NEVER = DEFAULT | {"name": "never", "autoClose": {"afterResolved": "never"}}
WORKFLOWS = {"workflows": [NOT_CLOSABLE, DEFAULT, SHORT, NEVER]}


async def open_resolved(store: TicketStore, workflow: str) -> str:
    ticket = await open_ticket(store, workflow=workflow)
    return (await transition(store, ticket, RESOLVED)).id


PERIODS: dict[str, tuple[dict[str, object], timedelta, set[str]]] = {
    "after an hour": ({}, timedelta(hours=1), {"short"}),
    "after three days": ({}, 3 * DAY, {"short", "default"}),
    "after years": ({}, 999 * DAY, {"short", "default"}),
    "with a default of a day": (
        {"autoClose": {"afterResolved": "P1D"}},
        *(DAY, {"short", "default"}),
    ),
    "with a default of never": (
        {"autoClose": {"afterResolved": "never"}},
        *(999 * DAY, {"short"}),
    ),
}


@pytest.mark.parametrize(("declared", "passed", "closed"), PERIODS.values(), ids=PERIODS)
async def test_workflows_have_separate_grace_periods(
    store: TicketStore,
    database: Database,
    declared: dict[str, object],
    passed: timedelta,
    closed: set[str],
) -> None:
    await declare(database, **WORKFLOWS | declared)
    names = ("not_closable", "default", "short", "never")
    tickets = {name: await open_resolved(store, name) for name in names}
    latest = (await read_ticket(database, SYSTEM_VIEWER, tickets["never"])).updated_at
    count = await close_resolved_tickets(database, latest + passed + timedelta(seconds=1), most=1)
    statuses = {
        name: (await read_ticket(database, SYSTEM_VIEWER, id_)).status
        for name, id_ in tickets.items()
    }
    assert {name for name, status in statuses.items() if status is Status.CLOSED} == closed
    assert count == len(closed)


async def test_tickets_of_a_retired_workflow_are_not_closed(
    store: TicketStore, database: Database
) -> None:
    ticket = await transition(store, await open_ticket(store), PICKED_UP, RESOLVED)
    await database.row(Statement.of(text("UPDATE workflows SET retired_at = now()")))
    assert await close_resolved_tickets(database, later(ticket, days=9)) == 0
    await database.row(Statement.of(text("UPDATE workflows SET retired_at = NULL")))
    assert await close_resolved_tickets(database, later(ticket, days=9)) == 1


async def test_no_ticket_is_closed_while_ticketing_is_off(
    store: TicketStore, database: Database
) -> None:
    ticket = await transition(store, await open_ticket(store), PICKED_UP, RESOLVED)
    await database.row(Statement.of(text("UPDATE plugins SET enabled = false")))
    assert await close_resolved_tickets(database, later(ticket, days=9)) == 0
