"""Concurrent changes and requests; gates force each interleaving."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import (
    Forbidden,
    ForbiddenTransition,
    IdempotencyConflict,
    Unavailable,
    VersionConflict,
)
from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database, open_database
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import (
    CreateTicket,
    UpdateTicket,
)
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from tests.support.concurrent_changes import (
    PICKED_UP,
    Change,
    comment,
    edit,
    every_change,
    flaws,
    open_another,
    open_ticket,
    pick_up,
    reassign,
    versions,
    with_and_without_a_key,
)
from tests.support.database_clock import DatabaseClock
from tests.support.lock_gates import AT_COMMIT, Observer
from tests.support.personas import ANNA, MARTON

# Concurrent changes of one ticket.


@with_and_without_a_key
async def test_a_transition_sees_the_change_that_it_waited_for(
    store: TicketStore, database: Database, observer: Observer, key: dict[str, object]
) -> None:
    ticket = await open_ticket(store)
    async with observer.closed_gate("ticket_status_history", AT_COMMIT):
        commenting = asyncio.create_task(comment(store, ticket))
        await observer.wait_until_blocked(1)
        picking_up = asyncio.create_task(pick_up(store, ticket, **key))
        await observer.wait_until_blocked(2)
    assert ((await commenting).version, (await picking_up).version) == (2, 3)
    assert await picking_up == await read_ticket(database, SYSTEM_VIEWER, ticket.id)
    assert await versions(database) == {ticket.id: 3}


@with_and_without_a_key
async def test_the_expected_version_is_compared_after_the_wait(
    store: TicketStore, database: Database, observer: Observer, key: dict[str, object]
) -> None:
    ticket = await open_ticket(store)
    late = {"expected_version": 1, **key}
    async with observer.closed_gate("ticket_status_history", AT_COMMIT):
        first = asyncio.create_task(comment(store, ticket))
        await observer.wait_until_blocked(1)
        picking_up = asyncio.create_task(pick_up(store, ticket, **late))
        await observer.wait_until_blocked(2)
        commenting = asyncio.create_task(comment(store, ticket, expected_version=1))
        await observer.wait_until_blocked(3)
    await first
    for refused in await asyncio.gather(picking_up, commenting, return_exceptions=True):
        assert isinstance(refused, VersionConflict)
        assert refused.details["current_version"] == 2
    assert await versions(database) == {ticket.id: 2}


async def test_roles_are_checked_after_the_wait(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    ticket = await open_ticket(store)
    async with observer.closed_gate("ticket_status_history", AT_COMMIT):
        handing_over = asyncio.create_task(reassign(store, ticket))
        await observer.wait_until_blocked(1)
        picking_up = asyncio.create_task(pick_up(store, ticket))
        await observer.wait_until_blocked(2)
        assigning = asyncio.create_task(reassign(store, ticket))
        await observer.wait_until_blocked(3)
    await handing_over
    picked_up, assigned = await asyncio.gather(picking_up, assigning, return_exceptions=True)
    assert isinstance(picked_up, ForbiddenTransition)
    assert (picked_up.details["reason"], picked_up.details["actor_roles"]) == ("role_required", [])
    assert isinstance(assigned, Forbidden)
    assert await versions(database) == {ticket.id: 2}


async def test_a_refusal_contains_the_status_after_the_wait(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    ticket = await open_ticket(store)
    async with observer.closed_gate("ticket_status_history"):
        first = asyncio.create_task(pick_up(store, ticket))
        await observer.wait_until_blocked(1)
        second = asyncio.create_task(pick_up(store, ticket))
        await observer.wait_until_blocked(2)
    assert (await first).version == 2
    with pytest.raises(ForbiddenTransition) as refused:
        await second
    assert (refused.value.details["from"], refused.value.details["to"]) == (PICKED_UP, PICKED_UP)
    assert await versions(database) == {ticket.id: 2}


async def test_two_tickets_of_unknown_users_are_opened_without_a_deadlock(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    """Each of them inserts both users, in different roles."""
    to_marton = CreateTicket.parse(title="A", workflow="change_request", assignee=MARTON.id)
    to_anna = CreateTicket.parse(title="B", workflow="change_request", assignee=ANNA.id)
    async with observer.holding("INSERT INTO users (id) VALUES ('u_b1')"):
        opening = [
            asyncio.create_task(store.create(ANNA, to_marton)),
            asyncio.create_task(store.create(MARTON, to_anna)),
        ]
        await observer.wait_until_blocked(2)
    assert len({(await each).id for each in opening}) == 2
    assert await flaws(database) == []


# Concurrent requests with one key.


@every_change
async def test_a_repeated_request_that_waited_for_the_first_returns_its_result(
    store: TicketStore, database: Database, observer: Observer, change: Change
) -> None:
    ticket = await open_ticket(store)
    expected = {} if change is open_another else {"expected_version": 1}
    async with observer.closed_gate("ticket_status_history"):
        first = asyncio.create_task(change(store, ticket, idempotency_key="k", **expected))
        await observer.wait_until_blocked(1)
        again = asyncio.create_task(change(store, ticket, idempotency_key="k", **expected))
        await observer.wait_until_blocked(2)
    assert await first == await again
    assert await versions(database) == {ticket.id: 1} | {(await first).id: (await first).version}


@every_change
async def test_a_repeated_request_that_waited_for_a_failure_is_executed(
    store: TicketStore, database: Database, observer: Observer, change: Change
) -> None:
    ticket = await open_ticket(store)
    async with observer.closed_gate("ticket_status_history"):
        first = asyncio.create_task(change(store, ticket, idempotency_key="k"))
        (failing,) = await observer.wait_until_blocked(1)
        again = asyncio.create_task(change(store, ticket, idempotency_key="k"))
        await observer.wait_until_blocked(2)
        await observer.connection.execute("SELECT pg_cancel_backend($1)", failing)
        with pytest.raises(Unavailable):
            await first
    changed = await again
    assert await versions(database) == {ticket.id: 1} | {changed.id: changed.version}


@every_change
async def test_a_key_in_use_for_another_ticket_is_a_conflict(
    store: TicketStore, database: Database, observer: Observer, change: Change
) -> None:
    ticket, other = await open_ticket(store), await open_ticket(store)
    async with observer.closed_gate("ticket_status_history"):
        first = asyncio.create_task(comment(store, other, idempotency_key="k"))
        await observer.wait_until_blocked(1)
        second = asyncio.create_task(change(store, ticket, idempotency_key="k"))
        await observer.wait_until_blocked(2)
    assert (await first).version == 2
    with pytest.raises(IdempotencyConflict):
        await second
    assert await versions(database) == {ticket.id: 1, other.id: 2}


@pytest.mark.parametrize("first", [pick_up, comment])
@pytest.mark.parametrize("second", [pick_up, comment])
async def test_one_key_for_two_requests_of_a_ticket_is_a_conflict_without_deadlock(
    store: TicketStore, database: Database, observer: Observer, first: Change, second: Change
) -> None:
    ticket = await open_ticket(store)
    async with observer.holding(f"SELECT FROM tickets WHERE id = '{ticket.id}' FOR UPDATE"):
        early = asyncio.create_task(first(store, ticket, idempotency_key="k"))
        await observer.wait_until_blocked(1)
        late = asyncio.create_task(second(store, ticket, idempotency_key="k", expected_version=1))
        await observer.wait_until_blocked(2)
    assert (await early).version == 2
    with pytest.raises(IdempotencyConflict):
        await late
    assert await versions(database) == {ticket.id: 2}


@pytest.mark.parametrize("first", [pick_up, comment])
@pytest.mark.parametrize("second", [pick_up, comment])
async def test_two_keys_for_two_tickets_in_opposite_order_cause_no_deadlock(
    store: TicketStore, database: Database, observer: Observer, first: Change, second: Change
) -> None:
    one, two = await open_ticket(store), await open_ticket(store)
    requests = [(first, one, "k1"), (first, two, "k2"), (second, one, "k2"), (second, two, "k1")]
    async with observer.holding("SELECT FROM tickets FOR UPDATE"):
        tasks: list[asyncio.Task[Ticket]] = []
        for change, ticket, key in requests:
            options = {"idempotency_key": key, "expected_version": 1}
            tasks.append(asyncio.create_task(change(store, ticket, **options)))
            await observer.wait_until_blocked(len(tasks))
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in results[:2]] == [Ticket, Ticket]
    for refused in results[2:]:
        assert isinstance(refused, IdempotencyConflict | VersionConflict)
    assert await versions(database) == {one.id: 2, two.id: 2}


async def test_an_edit_without_changes_returns_the_same_ticket_for_its_key(
    store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    nothing = UpdateTicket.parse(ticket=ticket.id, title=ticket.title, idempotency_key="k")
    assert await store.update(MARTON, nothing) == ticket
    await comment(store, ticket)
    assert await store.update(MARTON, nothing) == ticket
    assert await versions(database) == {ticket.id: 2}


# The clock of the database is set back.


async def test_timestamps_of_a_history_never_decrease_when_the_clock_does(
    database: Database, database_url: str, observer: Observer
) -> None:
    clock = await DatabaseClock.install(observer)
    noon = datetime(2030, 1, 1, 12, tzinfo=UTC)
    async with open_database(database_url, 1) as with_this_clock:
        store = TicketStore(with_this_clock)
        ticket = await open_ticket(store)
        for hours, change in enumerate((comment, pick_up, edit), 1):
            await clock.show(noon - timedelta(hours=hours))
            await change(store, ticket)
        await clock.show(noon + timedelta(hours=1))
        await comment(store, ticket)
    entries = (await read_histories(database, [ticket.id]))[ticket.id]
    assert [each.at for each in entries] == [noon] * 5 + [noon + timedelta(hours=1)]
    assert await flaws(database) == []
