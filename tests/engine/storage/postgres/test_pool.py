"""A connection is lent to one task at a time, and never in a state that another one left."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from time import monotonic

import asyncpg
import pytest

from engine.errors import Unavailable
from engine.storage.postgres.pool import IDLE_SECONDS_MAX, Connection, ConnectionPool

PID = "SELECT pg_backend_pid()"
FOR_EVER = "SELECT pg_sleep(3600)"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[ConnectionPool]:
    """Return a pool of one connection, so that every loan is of the same one if it can be."""
    pool = ConnectionPool(1, partial(asyncpg.connect, database_url))
    yield pool
    await pool.close()


async def backend(pool: ConnectionPool) -> int:
    async with pool.acquire() as connection:
        return int(await connection.fetchval(PID))


async def test_a_connection_that_is_given_back_is_lent_again(pool: ConnectionPool) -> None:
    assert await backend(pool) == await backend(pool)


async def test_who_comes_when_all_are_lent_waits_in_line(pool: ConnectionPool) -> None:
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


async def fail(connection: Connection) -> None:
    await connection.execute("SELECT 1 / 0")


async def leave_a_transaction_open(connection: Connection) -> None:
    await connection.execute("BEGIN")
    raise LookupError


async def be_cancelled(connection: Connection) -> None:
    async with asyncio.timeout(0), connection.transaction():
        await connection.execute(FOR_EVER)


async def take_too_long(connection: Connection) -> None:
    await connection.execute(FOR_EVER, timeout=0.01)


ACCIDENTS: dict[str, Callable[[Connection], Awaitable[None]]] = {
    "a failed statement": fail,
    "an open transaction": leave_a_transaction_open,
    "a cancelled task": be_cancelled,
    "a statement that took too long": take_too_long,
}


@pytest.mark.parametrize("accident", ACCIDENTS.values(), ids=ACCIDENTS)
async def test_nothing_is_left_of(
    pool: ConnectionPool, accident: Callable[[Connection], Awaitable[None]]
) -> None:
    before = await backend(pool)
    with pytest.raises((asyncpg.PostgresError, LookupError, Unavailable)):
        async with pool.acquire() as connection:
            await accident(connection)
    async with pool.acquire() as connection:
        assert not connection.is_in_transaction()
        assert await connection.fetchval(PID) == before


async def test_a_connection_that_died_is_replaced(pool: ConnectionPool) -> None:
    with pytest.raises(Unavailable):
        async with pool.acquire() as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert await backend(pool)


async def test_a_connection_that_was_idle_for_too_long_is_replaced(pool: ConnectionPool) -> None:
    before = await backend(pool)
    pool.idle = [(monotonic() - IDLE_SECONDS_MAX, connection) for _, connection in pool.idle]
    assert await backend(pool) != before


async def test_whom_no_connection_was_opened_for_keeps_no_turn(database_url: str) -> None:
    pool = ConnectionPool(1, partial(asyncpg.connect, database_url, database="no_such_database"))
    for _ in range(2):
        with pytest.raises(Unavailable, match="InvalidCatalogName"):
            await backend(pool)
    await pool.close()


async def test_a_pool_waits_for_its_loans_to_close_and_lends_no_more(database_url: str) -> None:
    pool = ConnectionPool(2, partial(asyncpg.connect, database_url))
    async with pool.acquire() as connection:
        closing = asyncio.create_task(pool.close())
        await connection.fetchval(PID)
        assert not closing.done()
        with pytest.raises(Unavailable):
            await backend(pool)
    await closing
    assert connection.is_closed()


async def test_a_closed_pool_lends_nothing_and_may_be_closed_again(database_url: str) -> None:
    pool = ConnectionPool(2, partial(asyncpg.connect, database_url))
    await backend(pool)
    for _ in range(2):
        await pool.close()
        with pytest.raises(Unavailable):
            await backend(pool)


async def test_who_gives_up_closing_keeps_no_turn(database_url: str) -> None:
    pool = ConnectionPool(2, partial(asyncpg.connect, database_url))
    async with pool.acquire():
        closing = asyncio.create_task(pool.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
    await pool.close()
    assert not pool.idle
