"""The reader that all who listen share: nobody misses anything, and nobody holds others up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from random import Random

import pytest

from api.runtime.change_feed import ChangeFeed, SubscriberTooSlow, WantsChange
from api.runtime.jobs import run_in_background
from engine.storage.history.changes import LoggedChange, read_histories
from engine.storage.history.log import LOG_START, Position, log_end
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.tickets.ticket import Ticket
from tests.support.concurrent_changes import comment, edit, hand_over, open_ticket, pick_up
from tests.support.lock_gates import PATIENCE_SECONDS, Observer

ROOM = 3


def everything(_change: LoggedChange) -> bool:
    return True


@pytest.fixture
async def changes(database: Database) -> AsyncIterator[ChangeFeed]:
    followed = ChangeFeed(database, most_waiting=ROOM)
    async with run_in_background(followed.follow()):
        yield followed


async def heard(
    changes: ChangeFeed, after: Position | None, count: int, wants: WantsChange = everything
) -> list[LoggedChange]:
    """Return the first changes that a listener hears."""
    found: list[LoggedChange] = []
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(changes.after(after, wants)) as told:
        while len(found) < count:
            found.append((await anext(told)).logged)
    return found


def keys(changes: list[LoggedChange]) -> list[tuple[str, int]]:
    return [(each.change.entry.ticket, each.change.entry.seq) for each in changes]


def measured(changes: ChangeFeed) -> dict[str, float]:
    """Return what Prometheus is told, save when counting began."""
    samples = (
        each for one in changes.collectors for told in one.collect() for each in told.samples
    )
    return {each.name: each.value for each in samples if not each.name.endswith("_created")}


async def until(database: Database, condition: Callable[[], bool]) -> None:
    """Look again, a round trip to the database later, until a condition holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await database.check()


async def test_a_listener_hears_what_happens_from_now_on(
    changes: ChangeFeed, store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    hearing = asyncio.create_task(heard(changes, None, 3))
    await until(database, lambda: changes.listeners == 1)
    await comment(store, ticket)
    await pick_up(store, ticket)
    await comment(store, ticket)
    assert keys(await hearing)[-3:] == [(ticket.id, seq) for seq in (2, 3, 4)]
    assert changes.listeners == 0


async def test_who_resumes_hears_what_came_meanwhile_and_then_what_comes(
    changes: ChangeFeed, store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    [opening] = await heard(changes, LOG_START, 1)
    await comment(store, ticket)
    await pick_up(store, ticket)
    hearing = asyncio.create_task(heard(changes, opening.position, 4))
    await until(database, lambda: changes.listeners == 1)
    await comment(store, ticket)
    await edit(store, ticket)
    assert keys(await hearing) == [(ticket.id, seq) for seq in (2, 3, 4, 5)]


async def test_who_resumes_from_further_back_joins_though_nothing_came_meanwhile(
    changes: ChangeFeed, store: TicketStore, database: Database, observer: Observer
) -> None:
    ticket = await open_ticket(store)
    [opening] = await heard(changes, LOG_START, 1)
    await observer.connection.execute("SELECT pg_current_xact_id()")  # which writes no entry
    first = asyncio.create_task(heard(changes, None, 1))
    await until(database, lambda: changes.listeners == 1)
    second = asyncio.create_task(heard(changes, opening.position, 1))
    await until(database, lambda: changes.listeners == 2)
    await comment(store, ticket)
    assert keys(await first) == keys(await second) == [(ticket.id, 2)]


async def test_a_change_comes_with_the_ticket_before_and_after_it_and_as_it_is_now(
    changes: ChangeFeed, store: TicketStore
) -> None:
    ticket = await open_ticket(store)
    await edit(store, ticket)  # title, then priority
    await pick_up(store, ticket)
    await hand_over(store, ticket)
    told = [each.change for each in await heard(changes, LOG_START, 5)]
    shown = [
        [state and (state.title, state.priority, state.status, state.assignee) for state in states]
        for states in ((each.before, each.after, each.now) for each in told)
    ]
    first = ("Payments fail", "MEDIUM", "OPEN", "u_c4")
    second = ("Cards fail", "MEDIUM", "OPEN", "u_c4")
    third = ("Cards fail", "LOW", "OPEN", "u_c4")
    fourth = ("Cards fail", "LOW", "IN_PROGRESS", "u_c4")
    last = ("Cards fail", "LOW", "IN_PROGRESS", "u_new")
    steps = [(None, first), (first, second), (second, third), (third, fourth), (fourth, last)]
    assert shown == [[*step, last] for step in steps]


async def test_who_does_not_listen_is_let_go_and_resumes_without_a_gap(
    changes: ChangeFeed, store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    lazy = changes.after(await log_end(database), everything)
    first = asyncio.create_task(anext(lazy))
    await until(database, lambda: changes.listeners == 1)
    await comment(store, ticket)
    taken = [(await first).logged]
    last = (ticket.id, ROOM + 4)
    witness = asyncio.create_task(
        heard(changes, taken[0].position, 1, lambda each: keys([each]) == [last])
    )
    await until(database, lambda: changes.listeners == 2)
    for _ in range(ROOM + 2):
        await comment(store, ticket)
    await witness  # who was told of the last one together with the lazy one
    taken += [(await anext(lazy)).logged for _ in range(ROOM)]
    with pytest.raises(SubscriberTooSlow) as refused:
        await anext(lazy)
    assert changes.listeners == 0
    assert measured(changes) == {
        "interlock_subscribers": 0,
        "interlock_subscriptions_dropped_total": 1,
    }
    position = Position.parse(str(refused.value.details["position"]))
    assert position == taken[-1].position
    missed = await heard(changes, position, 2)
    assert keys(taken + missed) == [(ticket.id, seq) for seq in range(2, ROOM + 5)]


async def test_what_is_not_wanted_takes_no_room(
    changes: ChangeFeed, store: TicketStore, database: Database
) -> None:
    noisy, quiet = await open_ticket(store), await open_ticket(store)
    wanted = changes.after(
        await log_end(database), lambda each: each.change.entry.ticket == quiet.id
    )
    hearing = asyncio.create_task(anext(wanted))
    await until(database, lambda: changes.listeners == 1)
    for _ in range(3 * ROOM):
        await comment(store, noisy)
    await comment(store, quiet)
    assert keys([(await hearing).logged]) == [(quiet.id, 2)]
    await wanted.aclose()


async def test_the_reader_goes_on_after_the_database_was_away(
    changes: ChangeFeed, store: TicketStore, database: Database, observer: Observer
) -> None:
    ticket = await open_ticket(store)
    hearing = asyncio.create_task(heard(changes, await log_end(database), 1))
    await until(database, lambda: changes.listeners == 1)
    await observer.connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await commented(store, ticket):
            pass
    assert keys(await hearing) == [(ticket.id, 2)]


async def commented(store: TicketStore, ticket: Ticket) -> bool:
    """Comment on a ticket; tell whether the database was there."""
    try:
        await comment(store, ticket)
    except Exception:  # noqa: BLE001  # whatever a closed connection says
        return False
    return True


async def test_listeners_that_come_and_go_miss_nothing_while_others_write(
    changes: ChangeFeed, store: TicketStore, database: Database
) -> None:
    entries_each = 9

    async def write() -> None:
        ticket = await open_ticket(store)
        for change in (comment, pick_up, comment, edit, comment, hand_over, comment):
            await change(store, ticket)

    async def listen(chance: Random) -> list[LoggedChange]:
        """Hear everything, in as many sittings as chance will have it."""
        found: list[LoggedChange] = []
        while len(found) < 8 * entries_each:
            position = found[-1].position if found else LOG_START
            sitting = min(chance.randint(1, 20), 8 * entries_each - len(found))
            try:
                found += await heard(changes, position, sitting)
            except SubscriberTooSlow:  # `heard` took none of them, so none is lost
                continue
        return found

    listening = [asyncio.create_task(listen(Random(seed))) for seed in range(6)]  # noqa: S311
    await asyncio.gather(*(write() for _ in range(8)))
    async with database.transaction() as session:
        tickets = [row["id"] for row in await session.connection.fetch("SELECT id FROM tickets")]
    recorded = {
        (entry.ticket, entry.seq)
        for entries in (await read_histories(database, tickets)).values()
        for entry in entries
    }
    for found in await asyncio.gather(*listening):
        assert len(found) == len(recorded)
        assert set(keys(found)) == recorded
        assert [each.position for each in found] == sorted(each.position for each in found)
