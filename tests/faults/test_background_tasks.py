"""After any fault, the work of every background task is done again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeAlias

import asyncpg
import pytest

from engine.storage.postgres.notifications import CHANNEL
from tests.support.background_work import WORK, WorkingServer, working_server
from tests.support.databases import SERVER_ROLE, new_database

SESSIONS_ENDED = 100
WITHOUT_TABLES = {"clock", "stream_tokens", "stream_web_sessions", "token_keys", "values_file"}
"""The tasks that do not read a table in each run."""
END_SESSIONS = f"""
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND usename = '{SERVER_ROLE}'
"""  # noqa: S608  # a constant

REFRESH = f"NOTIFY {CHANNEL}"
"""Lets the server read its caches again."""


@pytest.fixture(scope="module")
async def owner_url(template: str) -> AsyncIterator[str]:
    async with new_database(template) as url:
        yield url


@pytest.fixture(scope="module")
async def working(
    owner_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[WorkingServer]:
    async with working_server(owner_url, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
async def owner(owner_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(owner_url)
    yield connection
    await connection.close()


async def end_sessions(_server: WorkingServer, owner: asyncpg.Connection) -> None:
    ended = 0
    while ended < SESSIONS_ENDED:
        ended += await owner.fetchval(END_SESSIONS)
        await asyncio.sleep(0)  # lets the server open new ones


async def break_tables(server: WorkingServer, owner: asyncpg.Connection) -> None:
    async with server.failing(WORK.keys() - WITHOUT_TABLES):
        await owner.execute("ALTER SCHEMA public RENAME TO away")
        await owner.execute(REFRESH)
    await owner.execute("ALTER SCHEMA away RENAME TO public")


async def revoke_rights(server: WorkingServer, owner: asyncpg.Connection) -> None:
    async with server.failing(WORK.keys() - WITHOUT_TABLES):
        await owner.execute(f"REVOKE USAGE ON SCHEMA public FROM PUBLIC, {SERVER_ROLE}")
        await owner.execute(REFRESH)
    await owner.execute(f"GRANT USAGE ON SCHEMA public TO PUBLIC, {SERVER_ROLE}")


async def cut_connections(server: WorkingServer, _owner: asyncpg.Connection) -> None:
    server.proxy.cut()


async def stall_connections(server: WorkingServer, _owner: asyncpg.Connection) -> None:
    async with server.failing(["change_feed"]):
        server.proxy.stall()
    server.proxy.resume()


async def cancel_tasks(server: WorkingServer, _owner: asyncpg.Connection) -> None:
    names = {f"background:{each}" for each in server.tasks}
    for _ in range(3):
        async with server.failing(server.tasks):
            cancelled = [each for each in asyncio.all_tasks() if each.get_name() in names]
            for each in cancelled:
                each.cancel()
        assert cancelled


async def replace_files_by_folders(server: WorkingServer, _owner: asyncpg.Connection) -> None:
    moved = {each: each.with_name("moved") for each in (server.mount.file, server.secrets)}
    async with server.failing(["token_keys"]):
        for file, elsewhere in moved.items():
            file.rename(elsewhere)
            file.mkdir()
    for file, elsewhere in moved.items():
        file.rmdir()
        elsewhere.rename(file)


Fault: TypeAlias = Callable[[WorkingServer, asyncpg.Connection], Awaitable[None]]
FAULTS: dict[str, Fault] = {
    "none": lambda _server, _owner: asyncio.sleep(0),
    "ended sessions": end_sessions,
    "broken tables": break_tables,
    "revoked rights": revoke_rights,
    "cut connections": cut_connections,
    "stalled connections": stall_connections,
    "cancelled tasks": cancel_tasks,
    "unreadable files": replace_files_by_folders,
}


def test_every_background_task_has_a_check(working: WorkingServer) -> None:
    assert sorted(working.tasks) == sorted(WORK)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_all_work_is_done_again_after_a_fault(
    fault: Fault, working: WorkingServer, owner: asyncpg.Connection
) -> None:
    await fault(working, owner)
    names = {check: name for name, check in WORK.items()}
    results = await asyncio.gather(*(each(working) for each in names), return_exceptions=True)
    assert dict(zip(names.values(), results, strict=True)) == dict.fromkeys(names.values())
    async with working.client.get("/readyz") as response:
        assert response.status == 200


async def test_busy_background_connections_delay_no_essential_task(
    working: WorkingServer,
) -> None:
    pool = working.pools.background.pool
    async with AsyncExitStack() as held:
        for _ in range(pool.size):
            await held.enter_async_context(pool.acquire())
        for name in ("change_feed", "caches", "log_watch"):
            await WORK[name](working)
    await asyncio.gather(*(each(working) for each in {*WORK.values()}))
