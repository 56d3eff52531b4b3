"""A changed values file and a long transaction: the file waits, and no other change does."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from api.runtime.values_file import ValuesFile
from api.runtime.values_watcher import ValuesWatcher
from engine.storage.postgres.database import open_database
from engine.storage.tickets.store import TicketStore
from tests.support.concurrent_changes import open_ticket, pick_up
from tests.support.lock_gates import TIMEOUT_SECONDS, open_observer
from tests.support.own_postgres import prepared_postgres
from tests.support.values_mount import NARROWED, Mount

SERVERS = 3
WAITED = "still waiting for"
"""PostgreSQL logs it for every request for a lock that is not granted at once."""


async def follow(watcher: ValuesWatcher) -> None:
    """Poll a file until it is applied."""
    while not watcher.fingerprint:
        await watcher.poll()
        await asyncio.sleep(0.01)


async def test_three_servers_apply_a_file_without_delaying_changes(tmp_path: Path) -> None:
    mount = Mount(tmp_path)
    mount.put(NARROWED)
    async with (
        prepared_postgres("log_lock_waits=on", "deadlock_timeout=1ms") as postgres,
        open_database(postgres.url) as database,
        open_observer(postgres.url) as observer,
        asyncio.timeout(2 * TIMEOUT_SECONDS),
        AsyncExitStack() as stack,
    ):
        store = TicketStore(database)
        watchers = [
            ValuesWatcher(
                ValuesFile(await stack.enter_async_context(open_database(postgres.url)), mount.file)
            )
            for _ in range(SERVERS)
        ]
        async with (
            asyncio.TaskGroup() as running,
            observer.holding("UPDATE tickets SET title = title"),
        ):
            for each in watchers:
                running.create_task(follow(each))
            for _ in range(3):
                now = await observer.connection.fetchval("SELECT clock_timestamp()")
                await pick_up(store, await open_ticket(store))
                await observer.wait_until_looking(1, since=now)
            assert WAITED not in postgres.log
        recorded = await observer.connection.fetchval("SELECT max(id) FROM reconciliations")
        assert recorded == 2  # that of the template, and one for all servers
