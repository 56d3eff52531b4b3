"""A running server follows reconciliations that other processes make."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace

import pytest

from api.runtime.background_tasks import Supervisor
from api.runtime.catalog import CatalogCache
from api.runtime.refresh import refresh_task
from api.runtime.workflows import WorkflowCache, WorkflowsUnavailable
from engine.errors import PositionLost
from engine.storage.postgres.database import Database
from engine.storage.postgres.notifications import CHANNEL, Listener
from tests.support.databases import execute, for_all_kinds
from tests.support.declared_resources import DEFAULTS, put_resources
from tests.support.lock_gates import TIMEOUT_SECONDS, Observer

NEVER = 3_600
FIRST = DEFAULTS[0]


@asynccontextmanager
async def following(database: Database, url: str) -> AsyncIterator[WorkflowCache]:
    """Follow without the periodic refresh, so that only a notification causes a refresh."""
    workflows = await WorkflowCache.read(for_all_kinds(database))
    listener = Listener(url, CHANNEL, NEVER)
    task = refresh_task(listener, workflows.refresh, workflows.end_subscriptions)
    with closing(listener):
        async with Supervisor().run([task]):
            await listeners(database, 1)
            yield workflows


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


async def test_workflows_that_cannot_be_read_end_subscriptions(
    database: Database, database_url: str, observer: Observer
) -> None:
    workflows = await WorkflowCache.read(for_all_kinds(database))
    listener = Listener(database_url, CHANNEL, at_least_every=0)
    task = refresh_task(listener, workflows.refresh, workflows.end_subscriptions)
    with closing(listener):
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            Supervisor(failure_seconds=0, delay=lambda _: 0).run([task]),
        ):
            changes = workflows.changes(None)
            waiting = asyncio.create_task(anext(changes))
            await observer.connection.execute("ALTER TABLE workflows RENAME TO away")
            with pytest.raises(WorkflowsUnavailable):
                await waiting
            await observer.connection.execute("ALTER TABLE away RENAME TO workflows")
            await put_resources(database, [replace(FIRST, retired=True)])
            await until(database, lambda: is_retired(workflows))


async def test_caches_are_refreshed_although_the_listener_cannot_connect(
    database: Database,
) -> None:
    workflows = await WorkflowCache.read(for_all_kinds(database))
    nowhere = Listener("postgresql://user@127.0.0.1:1/none", CHANNEL, NEVER)
    task = refresh_task(nowhere, workflows.refresh, workflows.end_subscriptions)
    async with Supervisor(delay=lambda _: 0).run([task]):
        await put_resources(database, [replace(FIRST, retired=True)])
        await until(database, lambda: is_retired(workflows))


LOSE_RECONCILIATIONS = (
    "ALTER TABLE reconciliations DISABLE TRIGGER USER",
    "UPDATE reconciliations SET digest = sha256(digest)",
)
"""As if the database had lost them in a fail-over, and assigned their numbers to others."""


async def test_a_lost_reconciliation_ends_subscriptions_and_replaces_the_caches(
    database: Database, owner_url: str
) -> None:
    databases = for_all_kinds(database)
    workflows, catalog = await WorkflowCache.read(databases), await CatalogCache.read(databases)
    shown = catalog.shown
    waiting = asyncio.create_task(anext(workflows.changes(None)))
    resumed = asyncio.create_task(anext(workflows.changes(workflows.enforced.position)))
    await database.check()
    await execute(owner_url, *LOSE_RECONCILIATIONS)
    await workflows.refresh()
    await catalog.refresh()
    assert catalog.shown is not shown
    for each in (waiting, resumed):
        with pytest.raises(PositionLost):
            await each
