"""A server whose reader of changes fails for long ends its subscriptions, and is not ready.

The database responds meanwhile, so that nothing else shows the fault.
"""

import asyncio
import json

import aiohttp
import asyncpg

from engine.storage.tickets.store import TicketStore
from tests.support.api_client import bearer
from tests.support.concurrent_changes import open_ticket
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.personas import ANNA
from tests.support.replicas import replica

FOLLOW = "subscription { ticketsChanged(after: %s) { ticket { id } } }"


async def wait_for_metric(client: aiohttp.ClientSession, sample: str) -> None:
    """Wait until a line of the metrics is as expected."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            async with client.get("/metrics") as response:
                if sample in (await response.text()).splitlines():
                    return


async def test_a_server_that_cannot_read_changes_says_so(
    database_url: str, owner: asyncpg.Connection, store: TicketStore
) -> None:
    async with (
        replica(database_url, {"INTERLOCK_LIMITS": "task_failure_seconds=0.5"}) as server,
        aiohttp.ClientSession(server.url, headers=bearer(ANNA)) as client,
    ):
        async with client.post("/graphql/stream", json={"query": FOLLOW % "null"}) as response:
            await wait_for_metric(client, "interlock_subscribers 1.0")
            await owner.execute("ALTER TABLE ticket_status_history RENAME TO away")
            lines = (await response.text()).splitlines()
        [event] = [json.loads(each.removeprefix("data: ")) for each in lines if "errors" in each]
        [error] = [each["extensions"] for each in event["errors"]]
        assert (error["code"], error["status"]) == ("unavailable", 503)
        async with client.get("/readyz") as response:
            problem = await response.json(content_type=None)
            assert (response.status, problem["tasks"]) == (503, ["change_feed"])
        await wait_for_metric(client, 'interlock_background_task_up{task="change_feed"} 0.0')
        await owner.execute("ALTER TABLE away RENAME TO ticket_status_history")
        await server.wait_until_ready()
        ticket = await open_ticket(store)
        resumed = {"query": FOLLOW % f'"{error["position"]}"'}
        async with client.post("/graphql/stream", json=resumed) as response:
            async for line in response.content:
                if ticket.id.encode() in line:
                    break
