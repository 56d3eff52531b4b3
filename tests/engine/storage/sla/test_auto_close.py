"""RESOLVED tickets are closed by the system when their requesters were quiet for long enough."""

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
from tests.support.concurrent_changes import comment, everything, open_ticket
from tests.support.declared_resources import declare
from tests.support.stored_sla import (
    CLOSED,
    PICKED_UP,
    RESOLVED,
    differences,
    later,
    move,
    open_ticket_with_sla,
    say,
    stored,
    told,
)

DAY = timedelta(days=1)


async def test_a_ticket_is_closed_by_the_system_with_its_reason(
    store: TicketStore, database: Database
) -> None:
    ticket = await move(store, await open_ticket_with_sla(store), PICKED_UP, RESOLVED)
    since = ticket.updated_at
    assert (await stored(database, ticket))["auto_close_from"] == since
    assert await close_resolved_tickets(database, since + 3 * DAY) == 0
    moment = since + 3 * DAY + timedelta(seconds=1)
    assert await close_resolved_tickets(database, moment) == 1
    assert await close_resolved_tickets(database, moment) == 0
    entry = (await told(database, ticket))[-1]
    assert (entry.old_value, entry.new_value, entry.actor) == (RESOLVED, CLOSED, SYSTEM)
    assert system_reason(entry) is SystemReason.GRACE_PERIOD_OVER
    assert (entry.at, entry.actor_bits) == (moment, 0)
    assert (await read_ticket(database, SYSTEM_VIEWER, ticket.id)).status is CLOSED
    assert (await stored(database, ticket))["auto_close_from"] is None
    assert await differences(database) == []
    assert await everything(database) == {ticket.id: 4}


async def test_the_requester_starts_the_period_anew_and_others_do_not(
    store: TicketStore, database: Database
) -> None:
    ticket = await move(store, await open_ticket_with_sla(store), PICKED_UP, RESOLVED)
    await comment(store, ticket)
    assert (await stored(database, ticket))["auto_close_from"] == ticket.updated_at
    said = await say(store, ticket)
    assert (await stored(database, ticket))["auto_close_from"] == said.updated_at
    assert await close_resolved_tickets(database, said.updated_at + 3 * DAY) == 0
    await sweep_due_times(database)
    assert await differences(database) == []


async def test_a_ticket_that_is_worked_on_again_is_left_alone(
    store: TicketStore, database: Database
) -> None:
    ticket = await move(store, await open_ticket(store), PICKED_UP, RESOLVED, PICKED_UP)
    await say(store, ticket)
    assert (await stored(database, ticket))["auto_close_from"] is None
    assert await close_resolved_tickets(database, later(ticket, days=99)) == 0


ENDLESS = {
    "name": "endless",
    "transitions": [
        {"from": "OPEN", "to": "RESOLVED", "role": "assignee"},
        {"from": "RESOLVED", "to": "OPEN", "role": "any"},
    ],
}
PATIENT = {
    "name": "patient",
    "transitions": [
        {"from": "OPEN", "to": "RESOLVED", "role": "assignee"},
        {"from": "RESOLVED", "to": "CLOSED", "role": "any"},
    ],
}
HASTY = PATIENT | {"name": "hasty", "autoClose": {"afterResolved": "1h"}}
WAITING = PATIENT | {"name": "waiting", "autoClose": {"afterResolved": "never"}}
WORKFLOWS = {"workflows": [ENDLESS, PATIENT, HASTY, WAITING]}


async def resolved_in(store: TicketStore, workflow: str) -> str:
    ticket = await open_ticket(store, workflow=workflow)
    return (await move(store, ticket, RESOLVED)).id


PERIODS: dict[str, tuple[dict[str, object], timedelta, set[str]]] = {
    "an hour is over": ({}, timedelta(hours=1), {"hasty"}),
    "three days are over": ({}, 3 * DAY, {"hasty", "patient"}),
    "years are over": ({}, 999 * DAY, {"hasty", "patient"}),
    "a day is declared for all": (
        {"autoClose": {"afterResolved": "P1D"}},
        *(DAY, {"hasty", "patient"}),
    ),
    "never is declared for all": (
        {"autoClose": {"afterResolved": "never"}},
        *(999 * DAY, {"hasty"}),
    ),
}


@pytest.mark.parametrize(("declared", "passed", "closed"), PERIODS.values(), ids=PERIODS)
async def test_a_workflow_may_have_a_period_of_its_own(
    store: TicketStore,
    database: Database,
    declared: dict[str, object],
    passed: timedelta,
    closed: set[str],
) -> None:
    await declare(database, **WORKFLOWS | declared)
    names = ("endless", "patient", "hasty", "waiting")
    tickets = {name: await resolved_in(store, name) for name in names}
    latest = (await read_ticket(database, SYSTEM_VIEWER, tickets["waiting"])).updated_at
    count = await close_resolved_tickets(database, latest + passed + timedelta(seconds=1), most=1)
    statuses = {
        name: (await read_ticket(database, SYSTEM_VIEWER, id_)).status
        for name, id_ in tickets.items()
    }
    assert {name for name, status in statuses.items() if status is Status.CLOSED} == closed
    assert count == len(closed)


async def test_a_retired_workflow_keeps_its_tickets_open(
    store: TicketStore, database: Database
) -> None:
    ticket = await move(store, await open_ticket(store), PICKED_UP, RESOLVED)
    await database.row(Statement.of(text("UPDATE workflows SET retired_at = now()")))
    assert await close_resolved_tickets(database, later(ticket, days=9)) == 0
    await database.row(Statement.of(text("UPDATE workflows SET retired_at = NULL")))
    assert await close_resolved_tickets(database, later(ticket, days=9)) == 1


async def test_while_ticketing_is_off_nothing_is_closed(
    store: TicketStore, database: Database
) -> None:
    ticket = await move(store, await open_ticket(store), PICKED_UP, RESOLVED)
    await database.row(Statement.of(text("UPDATE plugins SET enabled = false")))
    assert await close_resolved_tickets(database, later(ticket, days=9)) == 0
