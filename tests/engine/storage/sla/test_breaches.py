"""Due times are stored with the tickets; each breach is recorded once, despite failures."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text

from engine.storage.postgres.database import Database, open_database
from engine.storage.postgres.statements import Statement
from engine.storage.sla.auto_close import close_resolved_tickets
from engine.storage.sla.breaches import sweep_due_times
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.tickets.sla_targets import parse_targets
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from engine.vocabulary import SYSTEM
from tests.support.concurrent_changes import edit, flaws, open_ticket, reassign, versions
from tests.support.declared_resources import declare, put_resources
from tests.support.lock_gates import AT_COMMIT, BEFORE_INSERT, Observer
from tests.support.stored_sla import (
    CLOSED,
    PICKED_UP,
    RESOLVED,
    comment_as_requester,
    differences,
    history,
    later,
    open_ticket_with_sla,
    open_ticket_with_targets,
    stored,
    transition,
)

MINUTES_30, HOURS_8 = timedelta(minutes=30), timedelta(hours=8)


async def test_due_times_are_stored_with_the_ticket(store: TicketStore, database: Database) -> None:
    ticket = await open_ticket_with_sla(store)
    row = await stored(database, ticket)
    assert row["response_due_at"] == row["next_due_at"] == ticket.created_at + MINUTES_30
    assert row["resolution_due_at"] == ticket.created_at + HOURS_8
    assert (row["response_breached"], row["resolution_breached"]) == (False, False)
    assert await differences(database) == []


async def test_a_ticket_without_sla_targets_has_no_due_times(
    store: TicketStore, database: Database
) -> None:
    ticket = await transition(store, await open_ticket(store), PICKED_UP)
    row = await stored(database, ticket)
    assert (row["response_due_at"], row["next_due_at"], row["sla_version"]) == (None, None, None)
    assert await sweep_due_times(database, later(ticket, days=9)) == 0
    assert await differences(database) == []


async def test_targets_do_not_change_when_the_declaration_does(
    store: TicketStore, database: Database
) -> None:
    office = {"name": "office", "timeZone": "UTC", "hours": {"monday": ["09:00-17:00"]}}
    sla = {"HIGH": {"resolution": "3d", "calendar": "office"}}
    await declare(database, calendars=[office], sla=sla)
    ticket = await open_ticket_with_sla(store)
    await put_resources(database)
    targets = parse_targets((await history(database, ticket))[0].details)
    assert targets is not None
    assert targets.calendar is not None
    assert (targets.response, targets.resolution) == (MINUTES_30, timedelta(days=3))
    assert (targets.calendar.name, targets.by_priority) == ("office", True)
    due = (await stored(database, ticket))["resolution_due_at"]
    assert due == targets.calendar.add(ticket.created_at, timedelta(days=3))


Change = Callable[[TicketStore, Ticket], Awaitable[Ticket]]
IRRELEVANT: dict[str, Change] = {"a comment": comment_as_requester, "an assignment": reassign}


@pytest.mark.parametrize("change", IRRELEVANT.values(), ids=IRRELEVANT)
async def test_due_times_stay_current_after(
    store: TicketStore, database: Database, change: Change
) -> None:
    await change(store, await open_ticket_with_sla(store))
    assert await differences(database) == []


@pytest.mark.parametrize("change", IRRELEVANT.values(), ids=IRRELEVANT)
async def test_stale_due_times_stay_stale_after(
    store: TicketStore, database: Database, change: Change
) -> None:
    ticket = await transition(store, await open_ticket_with_sla(store), PICKED_UP)
    await change(store, ticket)
    assert await differences(database) == [f"{ticket.id} is stale"]


async def test_a_change_of_priority_sets_and_records_new_targets(
    store: TicketStore, database: Database
) -> None:
    ticket = await edit(store, await open_ticket_with_sla(store))
    entry = (await history(database, ticket))[-1]
    targets = parse_targets(entry.details)
    assert targets is not None
    assert (targets.response, entry.new_value) == (timedelta(days=1), "LOW")
    row = await stored(database, ticket)
    assert row["next_due_at"] == ticket.created_at + timedelta(days=1)
    assert await differences(database) == []


async def test_a_change_of_priority_keeps_the_targets_of_the_requester(
    store: TicketStore, database: Database
) -> None:
    ticket = await edit(store, await open_ticket_with_targets(store, "5m", "PT1H"))
    assert parse_targets((await history(database, ticket))[-1].details) is None
    row = await stored(database, ticket)
    assert row["resolution_due_at"] == ticket.created_at + timedelta(hours=1)


async def test_the_next_sweep_updates_the_due_times_after_a_transition(
    store: TicketStore, database: Database
) -> None:
    ticket = await transition(
        store, await open_ticket_with_sla(store), PICKED_UP, RESOLVED, PICKED_UP
    )
    assert await differences(database) == [f"{ticket.id} is stale"]
    assert await sweep_due_times(database) == 1
    assert await differences(database) == []
    row = await stored(database, ticket)
    entries = await history(database, ticket)
    paused = entries[-1].at - entries[-2].at
    assert row["next_due_at"] == ticket.created_at + HOURS_8 + paused
    assert await sweep_due_times(database) == 0


async def test_the_system_records_breaches(store: TicketStore, database: Database) -> None:
    ticket = await open_ticket_with_sla(store)
    assert await sweep_due_times(database, later(ticket, minutes=30)) == 0
    assert await sweep_due_times(database, later(ticket, minutes=31)) == 1
    (entry,) = (await history(database, ticket))[1:]
    assert (entry.kind, entry.new_value, entry.actor) == ("sla_breach", "response", SYSTEM)
    assert (entry.at, entry.actor_bits) == (later(ticket, minutes=31), 0)
    row = await stored(database, ticket)
    assert (row["response_breached"], row["resolution_breached"]) == (True, False)
    assert row["next_due_at"] == ticket.created_at + HOURS_8
    assert await sweep_due_times(database, later(ticket, hours=9)) == 1
    assert await sweep_due_times(database, later(ticket, hours=9)) == 0
    assert (await stored(database, ticket))["next_due_at"] is None
    assert await differences(database) == []
    assert await versions(database) == {ticket.id: 3}


async def test_a_breach_before_a_late_response_is_recorded(
    store: TicketStore, database: Database, owner: asyncpg.Connection
) -> None:
    """Even for a CLOSED ticket: the record must not depend on the time of the sweep."""
    ticket = await open_ticket_with_targets(store, "1s", "8h")
    await backdate(owner)
    ticket = await transition(store, ticket, PICKED_UP, RESOLVED, CLOSED)
    await sweep_due_times(database)
    assert [each.new_value for each in await history(database, ticket)][-1] == "response"
    assert (await read_ticket(database, SYSTEM_VIEWER, ticket.id)).status is CLOSED
    assert await differences(database) == []


async def backdate(owner: asyncpg.Connection) -> None:
    """Move all entries a minute into the past; this invalidates their digests."""
    statements = (
        "ALTER TABLE ticket_status_history DISABLE TRIGGER USER",
        "UPDATE ticket_status_history SET at = at - interval '1 minute'",
        "ALTER TABLE ticket_status_history ENABLE TRIGGER USER",
    )
    for statement in statements:
        await owner.execute(statement)


async def test_no_breach_is_recorded_while_ticketing_is_off(
    store: TicketStore, database: Database
) -> None:
    ticket = await transition(store, await open_ticket_with_sla(store), PICKED_UP)
    await database.row(Statement.of(text("UPDATE plugins SET enabled = false")))
    assert await sweep_due_times(database, later(ticket, days=9)) == 0
    await database.row(Statement.of(text("UPDATE plugins SET enabled = true")))
    assert await sweep_due_times(database, later(ticket, days=9)) == 1


async def test_a_locked_ticket_is_skipped(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    ticket, other = await open_ticket_with_sla(store), await open_ticket_with_sla(store)
    async with observer.holding(f"SELECT FROM tickets WHERE id = '{ticket.id}' FOR UPDATE"):
        assert await sweep_due_times(database, later(other, hours=1)) == 1
    assert await sweep_due_times(database, later(other, hours=1)) == 1


Sweep = Callable[[Database], Coroutine[None, None, int]]


async def system_entries(database: Database) -> dict[str, int]:
    rows = await database.rows(
        Statement.of(
            text(
                "SELECT ticket, count(*) AS entries FROM ticket_status_history"
                " WHERE actor = 'system' GROUP BY ticket"
            )
        )
    )
    return {row["ticket"]: row["entries"] for row in rows}


async def breached_tickets(store: TicketStore) -> tuple[list[Ticket], Sweep, int]:
    """Return tickets with two breaches each, and the sweep that records them."""
    tickets = [await open_ticket_with_sla(store) for _ in range(30)]
    now = later(tickets[-1], hours=9)
    return tickets, lambda database: sweep_due_times(database, now, most=4), 2


async def overdue_tickets(store: TicketStore) -> tuple[list[Ticket], Sweep, int]:
    """Return tickets whose grace period is over, and the sweep that closes them."""
    tickets = [
        await transition(store, await open_ticket_with_sla(store), PICKED_UP, RESOLVED)
        for _ in range(30)
    ]
    await sweep_due_times(store.database)
    now = later(tickets[-1], days=4)
    return tickets, lambda database: close_resolved_tickets(database, now, most=4), 1


WORK = {"breaches": breached_tickets, "grace periods": overdue_tickets}
INTERRUPTIONS = {"before an insert": BEFORE_INSERT, "in the commit": AT_COMMIT}


@pytest.mark.parametrize("prepare", WORK.values(), ids=WORK)
@pytest.mark.parametrize("trigger", INTERRUPTIONS.values(), ids=INTERRUPTIONS)
async def test_three_servers_share_the_work_and_two_are_killed(
    store: TicketStore,
    database: Database,
    database_url: str,
    observer: Observer,
    prepare: Callable[[TicketStore], Awaitable[tuple[list[Ticket], Sweep, int]]],
    trigger: str,
) -> None:
    tickets, sweep, entries = await prepare(store)
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(open_database(database_url, 1)) for _ in "abc"]
        async with observer.closed_gate("ticket_status_history", trigger):
            sweeping = [asyncio.create_task(sweep(each)) for each in servers]
            for pid in (await observer.wait_until_blocked(3))[:2]:
                await observer.connection.execute("SELECT pg_terminate_backend($1)", pid)
            await observer.wait_until_blocked(1)
            assert await system_entries(database) == {}
        outcomes = await asyncio.gather(*sweeping, return_exceptions=True)
        assert sorted(type(each).__name__ for each in outcomes) == [*["Unavailable"] * 2, "int"]
        await asyncio.gather(*map(sweep, servers))
    assert await system_entries(database) == {each.id: entries for each in tickets}
    assert await flaws(database) == []
    assert await differences(database) == []


@pytest.mark.parametrize("prepare", WORK.values(), ids=WORK)
async def test_concurrent_sweeps_process_each_ticket_once(
    store: TicketStore,
    database: Database,
    prepare: Callable[[TicketStore], Awaitable[tuple[list[Ticket], Sweep, int]]],
) -> None:
    tickets, sweep, entries = await prepare(store)
    await asyncio.gather(*(sweep(database) for _ in range(8)))
    assert await system_entries(database) == {each.id: entries for each in tickets}
    assert await flaws(database) == []
    assert await differences(database) == []
