"""A pool gives each connection to one task at a time, without state of an earlier task."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from time import monotonic

import asyncpg
import pytest

from engine.errors import Overloaded, Unavailable
from engine.storage.postgres.connection import Connection
from engine.storage.postgres.pool import IDLE_SECONDS_MAX, ConnectionPool, Reconnections
from engine.storage.postgres.slots import WaitBounds

PID = "SELECT pg_backend_pid()"
SLEEP = "SELECT pg_sleep(3600)"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[ConnectionPool]:
    """Return a pool of one connection, which every task gets unless it is replaced."""
    pool = ConnectionPool(1, partial(asyncpg.connect, database_url))
    yield pool
    await pool.close()


async def backend_pid(pool: ConnectionPool) -> int:
    async with pool.acquire() as connection:
        return int(await connection.fetchval(PID))


async def test_a_released_connection_is_reused(pool: ConnectionPool) -> None:
    assert await backend_pid(pool) == await backend_pid(pool)


async def test_tasks_wait_for_a_connection_in_order(pool: ConnectionPool) -> None:
    served: list[int] = []

    async def serve(number: int) -> None:
        async with pool.acquire():
            served.append(number)

    async with asyncio.TaskGroup() as group, pool.acquire():
        waiting = [group.create_task(serve(number)) for number in range(4)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        assert served == []
    assert served == [0, 2, 3]


@pytest.mark.parametrize(
    ("bounds", "refusal"),
    [
        (WaitBounds(tasks=0, seconds=60), {"limit": "connection_waiters", "bound": 0}),
        (WaitBounds(tasks=1, seconds=0), {"limit": "wait_seconds", "bound": 0}),
    ],
)
async def test_a_task_that_would_wait_for_too_long_is_refused(
    database_url: str, bounds: WaitBounds, refusal: dict[str, object]
) -> None:
    pool = ConnectionPool(1, partial(asyncpg.connect, database_url), bounds)
    async with pool.acquire():
        with pytest.raises(Overloaded) as refused:
            await backend_pid(pool)
    seconds = refused.value.details["retry_after"]
    assert refused.value.details == {**refusal, "retry_after": seconds}
    assert seconds in range(1, 6)
    assert await backend_pid(pool)
    await pool.close()


async def fail(connection: Connection) -> None:
    await connection.execute("SELECT 1 / 0")


async def leave_a_transaction_open(connection: Connection) -> None:
    await connection.execute("BEGIN")
    raise LookupError


async def be_cancelled(connection: Connection) -> None:
    async with asyncio.timeout(0), connection.transaction():
        await connection.execute(SLEEP)


async def time_out(connection: Connection) -> None:
    await connection.execute(SLEEP, timeout=0.01)


FAILURES: dict[str, Callable[[Connection], Awaitable[None]]] = {
    "a failed statement": fail,
    "an open transaction": leave_a_transaction_open,
    "a cancelled task": be_cancelled,
    "a statement that timed out": time_out,
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
async def test_a_connection_is_reset_after(
    pool: ConnectionPool, failure: Callable[[Connection], Awaitable[None]]
) -> None:
    before = await backend_pid(pool)
    with pytest.raises((asyncpg.PostgresError, LookupError, Unavailable)):
        async with pool.acquire() as connection:
            await failure(connection)
    async with pool.acquire() as connection:
        assert not connection.is_in_transaction()
        assert await connection.fetchval(PID) == before


async def test_a_closed_connection_is_replaced(pool: ConnectionPool) -> None:
    with pytest.raises(Unavailable):
        async with pool.acquire() as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert await backend_pid(pool)


async def test_no_connection_is_used_again_after_the_database_failed(database_url: str) -> None:
    async def find_a_demoted_primary() -> None:
        async with demoted.acquire():
            raise asyncpg.ReadOnlySQLTransactionError

    reconnections = Reconnections()
    pool, demoted = (
        ConnectionPool(2, partial(asyncpg.connect, database_url), reconnections=reconnections)
        for _ in "ab"
    )
    async with pool.acquire() as in_use:
        idle = await backend_pid(pool)
        before = {idle, await in_use.fetchval(PID)}
        with pytest.raises(Unavailable):
            await find_a_demoted_primary()
        assert await backend_pid(pool) not in before
    async with pool.acquire() as one, pool.acquire() as two:
        assert not {await one.fetchval(PID), await two.fetchval(PID)} & before
    await pool.close()
    await demoted.close()


async def test_a_connection_that_was_idle_for_too_long_is_replaced(pool: ConnectionPool) -> None:
    before = await backend_pid(pool)
    pool.idle = [each._replace(since=monotonic() - IDLE_SECONDS_MAX) for each in pool.idle]
    assert await backend_pid(pool) != before


async def test_a_failure_to_connect_does_not_use_up_the_pool(database_url: str) -> None:
    pool = ConnectionPool(1, partial(asyncpg.connect, database_url, database="no_such_database"))
    for _ in range(2):
        with pytest.raises(Unavailable, match="InvalidCatalogName"):
            await backend_pid(pool)
    await pool.close()


async def test_closing_waits_for_acquired_connections(database_url: str) -> None:
    pool = ConnectionPool(2, partial(asyncpg.connect, database_url))
    async with pool.acquire() as connection:
        closing = asyncio.create_task(pool.close())
        await connection.fetchval(PID)
        assert not closing.done()
        with pytest.raises(Unavailable):
            await backend_pid(pool)
    await closing
    assert connection.is_closed()


async def test_a_closed_pool_can_be_closed_again_and_has_no_connections(database_url: str) -> None:
    pool = ConnectionPool(2, partial(asyncpg.connect, database_url))
    await backend_pid(pool)
    for _ in range(2):
        await pool.close()
        with pytest.raises(Unavailable):
            await backend_pid(pool)


async def test_closing_can_be_cancelled_and_repeated(database_url: str) -> None:
    pool = ConnectionPool(2, partial(asyncpg.connect, database_url))
    async with pool.acquire():
        closing = asyncio.create_task(pool.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
    await pool.close()
    assert not pool.idle
