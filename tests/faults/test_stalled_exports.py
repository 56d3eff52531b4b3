"""Clients that do not read their exports disturb no other client, and keep nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest

from api.auth.api_keys import ApiKeyEntry, Scope
from engine.storage.postgres.database import POOL_CONNECTIONS, Database
from tests.support.api_client import KEY, bearer
from tests.support.bulk_data import open_many
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.personas import ANNA
from tests.support.replicas import Replica, replica
from tests.support.stalled_client import stalled_client

PATH = "/api/v1/templates/export"
SEND_SECONDS = 2
EXPORTS = 2
CLIENTS = 10
FILL = """
INSERT INTO users (id, name) SELECT 'u_' || number, repeat(md5(number::text), 6)
FROM generate_series(1, 100000) AS numbers (number)
"""
"""20 MB: more than all buffers between a server and a client."""
TICKETS = 8_000
LENGTHEN = "UPDATE tickets SET title = repeat(md5(id), 30)"
"""8 MB as CSV: more than all buffers."""
IN_USE = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""
SNAPSHOTS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%row_to_json%'
"""


@pytest.fixture
async def serving(database_url: str, database: Database) -> AsyncIterator[Replica]:
    async with database.pool.acquire() as connection:
        await connection.execute(FILL)
    settings = {
        "INTERLOCK_API_KEYS": str(ApiKeyEntry.for_key(KEY, [Scope.EXPORT])),
        "INTERLOCK_LIMITS": f"send_seconds={SEND_SECONDS} exports={EXPORTS}",
    }
    async with replica(database_url, settings) as started:
        yield started


async def test_stalled_exports_keep_no_snapshot_and_disturb_no_request(
    serving: Replica, database: Database
) -> None:
    key = {"X-API-Key": KEY}
    async with AsyncExitStack() as stack, asyncio.timeout(2 * TIMEOUT_SECONDS):
        stalled = [
            await stack.enter_async_context(stalled_client(serving.url, PATH, key))
            for _ in range(CLIENTS)
        ]
        heads = [(await each.readuntil(b"\r\n\r\n")).decode() for each in stalled]
        refused = [each for each in heads if " 429 " in each.splitlines()[0]]
        assert len(refused) == CLIENTS - EXPORTS
        assert all("\r\nRetry-After: 10\r\n" in each for each in refused)
        async with aiohttp.ClientSession(serving.url, headers=bearer(ANNA)) as client:
            for _ in range(2 * POOL_CONNECTIONS):
                body = {"query": "{ tickets { totalCount } }"}
                async with client.post("/graphql", json=body) as response:
                    assert await response.json() == {"data": {"tickets": {"totalCount": 0}}}
        async with database.pool.acquire() as observer:
            while await observer.fetchval(SNAPSHOTS):
                pass
        # An export gives up its slot after its snapshot, before its request is logged.
        await serving.wait_until_logged("request", count=CLIENTS, route=PATH)
        async with (
            aiohttp.ClientSession(serving.url) as client,
            client.get(PATH, headers=key) as response,
        ):
            assert response.status == 200
            assert "integrity: {" in (await response.text())[-1_000:]
    logged = [line["event"] for line in serving.log]
    assert logged.count("client does not read") == EXPORTS
    assert serving.problems == []


async def test_an_interrupted_csv_keeps_no_connection(
    database_url: str, database: Database
) -> None:
    await open_many(database, TICKETS)
    async with database.pool.acquire() as connection:
        await connection.execute(LENGTHEN)
    limits = {"INTERLOCK_LIMITS": f"viewer_rate=0 send_seconds={SEND_SECONDS}"}
    async with replica(database_url, limits) as serving, asyncio.timeout(3 * TIMEOUT_SECONDS):
        async with stalled_client(serving.url, "/tickets.csv", bearer(ANNA)) as stalled:
            assert b" 200 " in await stalled.readuntil(b"\r\n\r\n")
            async with database.pool.acquire() as observer:
                while await observer.fetchval(IN_USE):  # a page is read, or waits to be sent
                    pass
        await serving.wait_until_logged("request", route="/tickets.csv", status=499)
    assert serving.problems == []
