"""A running server follows reconciliations that other processes make."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from api.runtime.refresh import follow
from api.runtime.workflows import WorkflowCache
from engine.storage.postgres.database import Database
from tests.support.declared_resources import DEFAULTS, put_resources

NEVER = 3_600
FIRST = DEFAULTS[0]


@asynccontextmanager
async def following(database: Database, url: str) -> AsyncIterator[WorkflowCache]:
    """Follow without the periodic refresh, so that only a notification causes a refresh."""
    workflows = await WorkflowCache.read(database)
    task = asyncio.create_task(follow(url, workflows.refresh, at_least_every=NEVER))
    await listeners(database, 1)
    yield workflows
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def until(database: Database, holds: Callable[[], bool]) -> None:
    """Wait until a condition holds; fail after 20 seconds."""
    async with asyncio.timeout(20):
        while not holds():
            await database.check()


LISTENERS = """
SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()
"""


async def listeners(database: Database, wanted: int) -> list[int]:
    """Wait for `wanted` listening connections, and return their process ids."""
    async with asyncio.timeout(20), database.pool.acquire() as connection:
        while True:
            found = [row["pid"] for row in await connection.fetch(LISTENERS)]
            if len(found) == wanted:
                return found


def is_retired(workflows: WorkflowCache) -> bool:
    return workflows.registry.workflows[FIRST.key.name].retired


async def test_a_notification_replaces_the_registry(database: Database, database_url: str) -> None:
    async with following(database, database_url) as workflows:
        before = workflows.registry
        await put_resources(database, [replace(FIRST, retired=True)])
        await until(database, lambda: is_retired(workflows))
        assert not before.workflows[FIRST.key.name].retired
        await put_resources(database, [FIRST])
        await until(database, lambda: not is_retired(workflows))


async def test_a_lost_connection_is_reopened_and_no_change_is_missed(
    database: Database, database_url: str
) -> None:
    async with following(database, database_url) as workflows:
        [listener] = await listeners(database, 1)
        async with database.pool.acquire() as connection:
            await connection.execute("SELECT pg_terminate_backend($1)", listener)
        await put_resources(database, [replace(FIRST, retired=True)])
        await until(database, lambda: is_retired(workflows))
        assert await listeners(database, 1) != [listener]
