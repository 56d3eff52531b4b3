"""The exclusive lock on tickets, which others must not wait for."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine.errors import Unavailable
from engine.storage.postgres.database import Database, open_database
from engine.storage.postgres.locks import lock_tickets_exclusive
from engine.storage.tickets.store import TicketStore
from tests.support.concurrent_changes import open_ticket, pick_up
from tests.support.lock_gates import Observer, open_observer
from tests.support.own_postgres import OwnPostgres, own_postgres, prepared_postgres

CHANGES_TICKETS = "LOCK TABLE tickets IN ROW EXCLUSIVE MODE"
WAITED = "still waiting for"


@pytest.fixture
async def watched() -> AsyncIterator[OwnPostgres]:
    """Yield a server that logs each request for a lock that is not granted at once."""
    async with prepared_postgres("log_lock_waits=on", "deadlock_timeout=1ms") as server:
        yield server


async def lock(database: Database, seconds_max: float = 60) -> None:
    async with database.transaction() as session:
        await lock_tickets_exclusive(session, seconds_max)


async def test_no_change_waits_while_a_long_transaction_keeps_tickets_locked(
    watched: OwnPostgres,
) -> None:
    async with (
        open_database(watched.url) as database,
        open_observer(watched.url) as observer,
        asyncio.TaskGroup() as locking,
    ):
        store = TicketStore(database)
        async with observer.holding(CHANGES_TICKETS):
            for _ in range(3):
                locking.create_task(lock(database))
            for _ in range(3):
                now = await observer.connection.fetchval("SELECT clock_timestamp()")
                await pick_up(store, await open_ticket(store))
                await observer.wait_until_looking(3, since=now)
            assert WAITED not in watched.log


async def test_the_lock_is_given_up_if_a_transaction_keeps_tickets_locked(
    database: Database, observer: Observer, store: TicketStore
) -> None:
    async with observer.holding(CHANGES_TICKETS):
        with pytest.raises(Unavailable, match=r"kept tickets locked for 0\.01 seconds"):
            await lock(database, 0.01)
        await open_ticket(store)
    await lock(database)


@pytest.mark.parametrize(
    "reading", ["SELECT FROM tickets", "LOCK TABLE tickets IN ACCESS SHARE MODE"]
)
async def test_the_lock_waits_for_no_reader(
    database: Database, observer: Observer, reading: str
) -> None:
    async with observer.holding(reading):
        await lock(database, 0)


async def test_the_lock_is_granted_while_short_transactions_follow_each_other(
    store: TicketStore, database_url: str
) -> None:
    is_locked = asyncio.Event()

    async def change_tickets() -> None:
        while not is_locked.is_set():
            await open_ticket(store)

    async with open_database(database_url) as other, asyncio.TaskGroup() as running:
        for _ in range(4):
            running.create_task(change_tickets())
        await lock(other)
        is_locked.set()


async def test_an_autovacuum_is_cancelled_for_the_lock() -> None:
    often_and_slowly = (
        "autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0,"
        " autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_cost_delay = 100"
    )
    async with own_postgres("autovacuum_naptime=1s") as server:
        await server.execute(
            f"CREATE TABLE tickets (n int, t text) WITH ({often_and_slowly})",
            "INSERT INTO tickets SELECT n, repeat('x', 1000) FROM generate_series(1, 1000) n",
            "DELETE FROM tickets",
        )
        async with open_database(server.url) as database, open_observer(server.url) as observer:
            await observer.wait_for(1, "query LIKE 'autovacuum: VACUUM%public.tickets%'")
            await lock(database)
        assert "canceling autovacuum task" in server.log
