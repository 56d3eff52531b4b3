"""The change feed: no subscriber misses a change, and a slow one does not delay the others."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from random import Random

import pytest

from api.runtime.background_tasks import Supervisor
from api.runtime.change_feed import (
    ChangeFeed,
    ChangePredicate,
    ChangesUnavailable,
    FeedChange,
    SubscriberTooSlow,
)
from api.runtime.log_watch import LogWatch
from engine.storage.history.changes import read_histories
from engine.storage.history.log import log_end
from engine.storage.history.position import LOG_START, Position
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.tickets.ticket import Ticket
from tests.support.concurrent_changes import comment, edit, open_ticket, pick_up, reassign
from tests.support.lock_gates import TIMEOUT_SECONDS, Observer

QUEUE_SIZE = 3


def every_change(_change: FeedChange) -> bool:
    return True


@pytest.fixture
async def changes(database: Database) -> AsyncIterator[ChangeFeed]:
    feed = ChangeFeed(database, database, LogWatch(database), QUEUE_SIZE)
    async with Supervisor().run([feed.task]):
        yield feed


async def received(
    changes: ChangeFeed, after: Position | None, count: int, selects: ChangePredicate = every_change
) -> list[FeedChange]:
    """Return the first changes that a subscriber gets."""
    found: list[FeedChange] = []
    async with (
        asyncio.timeout(TIMEOUT_SECONDS),
        aclosing(changes.subscribe(after, selects)) as stream,
    ):
        while len(found) < count:
            found.append(await anext(stream))
    return found


def keys(changes: list[FeedChange]) -> list[tuple[str, int]]:
    return [(each.entry.ticket, each.entry.seq) for each in changes]


def metrics(changes: ChangeFeed) -> dict[str, float]:
    """Return the samples of Prometheus, without the times at which counting began."""
    samples = (
        each
        for collector in changes.collectors
        for metric in collector.collect()
        for each in metric.samples
    )
    return {each.name: each.value for each in samples if not each.name.endswith("_created")}


async def until(database: Database, condition: Callable[[], bool]) -> None:
    """Wait until a condition holds; check it after each round trip to the database."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not condition():
            await database.check()


async def test_a_new_subscriber_gets_changes_from_now_on(
    changes: ChangeFeed, store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    receiving = asyncio.create_task(received(changes, None, 3))
    await until(database, lambda: changes.subscribers == 1)
    await comment(store, ticket)
    await pick_up(store, ticket)
    await comment(store, ticket)
    assert keys(await receiving)[-3:] == [(ticket.id, seq) for seq in (2, 3, 4)]
    assert changes.subscribers == 0


async def test_a_resumed_subscriber_gets_missed_changes_first(
    changes: ChangeFeed, store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    [opening] = await received(changes, LOG_START, 1)
    await comment(store, ticket)
    await pick_up(store, ticket)
    receiving = asyncio.create_task(received(changes, opening.position, 4))
    await until(database, lambda: changes.subscribers == 1)
    await comment(store, ticket)
    await edit(store, ticket)
    assert keys(await receiving) == [(ticket.id, seq) for seq in (2, 3, 4, 5)]


async def test_a_subscriber_with_an_older_position_joins_although_there_are_no_new_changes(
    changes: ChangeFeed, store: TicketStore, database: Database, observer: Observer
) -> None:
    ticket = await open_ticket(store)
    [opening] = await received(changes, LOG_START, 1)
    await observer.connection.execute("SELECT pg_current_xact_id()")  # which writes no entry
    first = asyncio.create_task(received(changes, None, 1))
    await until(database, lambda: changes.subscribers == 1)
    second = asyncio.create_task(received(changes, opening.position, 1))
    await until(database, lambda: changes.subscribers == 2)
    await comment(store, ticket)
    assert keys(await first) == keys(await second) == [(ticket.id, 2)]


async def test_a_change_has_the_ticket_before_and_after_it_and_the_current_ticket(
    changes: ChangeFeed, store: TicketStore
) -> None:
    ticket = await open_ticket(store)
    await edit(store, ticket)  # title, then priority
    await pick_up(store, ticket)
    await reassign(store, ticket)
    found = await received(changes, LOG_START, 5)
    shown = [
        [state and (state.title, state.priority, state.status, state.assignee) for state in states]
        for states in ((each.before, each.after, each.ticket) for each in found)
    ]
    first = ("Payments fail", "MEDIUM", "OPEN", "u_c4")
    second = ("Cards fail", "MEDIUM", "OPEN", "u_c4")
    third = ("Cards fail", "LOW", "OPEN", "u_c4")
    fourth = ("Cards fail", "LOW", "IN_PROGRESS", "u_c4")
    last = ("Cards fail", "LOW", "IN_PROGRESS", "u_new")
    steps = [(None, first), (first, second), (second, third), (third, fourth), (fourth, last)]
    assert shown == [[*step, last] for step in steps]


async def test_a_slow_subscriber_is_dropped_and_resumes_without_a_gap(
    changes: ChangeFeed, store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    slow = changes.subscribe(await log_end(database), every_change)
    first = asyncio.create_task(anext(slow))
    await until(database, lambda: changes.subscribers == 1)
    await comment(store, ticket)
    read = [await first]
    last = (ticket.id, QUEUE_SIZE + 4)
    witness = asyncio.create_task(
        received(changes, read[0].position, 1, lambda each: keys([each]) == [last])
    )
    await until(database, lambda: changes.subscribers == 2)
    for _ in range(QUEUE_SIZE + 2):
        await comment(store, ticket)
    await witness  # which got the last change together with the slow one
    read += [await anext(slow) for _ in range(QUEUE_SIZE)]
    with pytest.raises(SubscriberTooSlow) as refused:
        await anext(slow)
    assert changes.subscribers == 0
    assert metrics(changes) == {
        "interlock_subscribers": 0,
        "interlock_subscriptions_dropped_total": 1,
    }
    position = Position.parse(str(refused.value.details["position"]))
    assert position == read[-1].position
    missed = await received(changes, position, 2)
    assert keys(read + missed) == [(ticket.id, seq) for seq in range(2, QUEUE_SIZE + 5)]


async def test_changes_that_are_not_selected_do_not_fill_the_queue(
    changes: ChangeFeed, store: TicketStore, database: Database
) -> None:
    noisy, quiet = await open_ticket(store), await open_ticket(store)
    stream = changes.subscribe(await log_end(database), lambda each: each.entry.ticket == quiet.id)
    receiving = asyncio.create_task(anext(stream))
    await until(database, lambda: changes.subscribers == 1)
    for _ in range(3 * QUEUE_SIZE):
        await comment(store, noisy)
    await comment(store, quiet)
    assert keys([await receiving]) == [(quiet.id, 2)]
    await stream.aclose()


async def test_the_feed_continues_after_the_database_was_unavailable(
    changes: ChangeFeed, store: TicketStore, database: Database, observer: Observer
) -> None:
    ticket = await open_ticket(store)
    receiving = asyncio.create_task(received(changes, await log_end(database), 1))
    await until(database, lambda: changes.subscribers == 1)
    await observer.connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not await commented(store, ticket):
            pass
    assert keys(await receiving) == [(ticket.id, 2)]


async def commented(store: TicketStore, ticket: Ticket) -> bool:
    """Comment on a ticket; return whether the database was available."""
    try:
        await comment(store, ticket)
    except Exception:  # noqa: BLE001  # the error of a closed connection varies
        return False
    return True


async def test_a_log_that_cannot_be_read_ends_subscriptions_with_a_position_to_resume_from(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    feed = ChangeFeed(database, database, LogWatch(database))
    ticket = await open_ticket(store)
    async with Supervisor(failure_seconds=0, delay=lambda _: 0).run([feed.task]):
        stream = feed.subscribe(LOG_START, every_change)
        opening = await anext(stream)
        waiting = asyncio.create_task(anext(stream))
        await until(database, lambda: feed.subscribers == 1)
        await observer.connection.execute("ALTER TABLE ticket_status_history RENAME TO away")
        async with asyncio.timeout(TIMEOUT_SECONDS):
            with pytest.raises(ChangesUnavailable) as refused:
                await waiting
        assert feed.subscribers == 0
        await observer.connection.execute("ALTER TABLE away RENAME TO ticket_status_history")
        await comment(store, ticket)
        position = Position.parse(str(refused.value.details["position"]))
        assert position == opening.position
        assert keys(await received(feed, position, 1)) == [(ticket.id, 2)]


async def test_an_error_of_one_subscriber_does_not_affect_the_others(
    changes: ChangeFeed, store: TicketStore, database: Database
) -> None:
    def fail(_change: FeedChange) -> bool:
        raise ZeroDivisionError

    end = await log_end(database)
    failing = asyncio.create_task(received(changes, end, 1, fail))
    receiving = asyncio.create_task(received(changes, end, 2))
    await until(database, lambda: changes.subscribers == 2)
    ticket = await open_ticket(store)
    with pytest.raises(ChangesUnavailable):
        await failing
    await comment(store, ticket)
    assert keys(await receiving) == [(ticket.id, 1), (ticket.id, 2)]


async def test_an_interrupted_reader_skips_no_subscriber_and_repeats_no_change(
    changes: ChangeFeed, store: TicketStore, database: Database
) -> None:
    interrupted: list[bool] = []

    def interrupt_once(_change: FeedChange) -> bool:
        if not interrupted:
            [reader] = [
                each for each in asyncio.all_tasks() if each.get_name() == "background:change_feed"
            ]
            interrupted.append(reader.cancel())
        return True

    end = await log_end(database)
    receiving = [asyncio.create_task(received(changes, end, 2, interrupt_once)) for _ in range(50)]
    await until(database, lambda: changes.subscribers == len(receiving))
    ticket = await open_ticket(store)
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not interrupted:
            await database.check()
    await comment(store, ticket)
    for found in await asyncio.gather(*receiving):
        assert keys(found) == [(ticket.id, 1), (ticket.id, 2)]
    assert interrupted == [True]


async def test_subscribers_that_reconnect_miss_nothing_during_concurrent_writes(
    changes: ChangeFeed, store: TicketStore, database: Database
) -> None:
    entries_each = 9

    async def write() -> None:
        ticket = await open_ticket(store)
        for change in (comment, pick_up, comment, edit, comment, reassign, comment):
            await change(store, ticket)

    async def read_all(chance: Random) -> list[FeedChange]:
        """Read all changes in a random number of subscriptions."""
        found: list[FeedChange] = []
        while len(found) < 8 * entries_each:
            position = found[-1].position if found else LOG_START
            count = min(chance.randint(1, 20), 8 * entries_each - len(found))
            try:
                found += await received(changes, position, count)
            except SubscriberTooSlow:  # `received` returned none, so none is lost
                continue
        return found

    readers = [asyncio.create_task(read_all(Random(seed))) for seed in range(6)]  # noqa: S311
    await asyncio.gather(*(write() for _ in range(8)))
    async with database.transaction() as session:
        tickets = [row["id"] for row in await session.connection.fetch("SELECT id FROM tickets")]
    recorded = {
        (entry.ticket, entry.seq)
        for entries in (await read_histories(database, tickets)).values()
        for entry in entries
    }
    for found in await asyncio.gather(*readers):
        assert len(found) == len(recorded)
        assert set(keys(found)) == recorded
        assert [each.position for each in found] == sorted(each.position for each in found)
