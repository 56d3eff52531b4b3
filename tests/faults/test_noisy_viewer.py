"""One user sends expensive requests without pause; the server refuses that user, and no other."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from hashlib import sha256

import aiohttp
import pytest

from engine.storage.migrate import migrate
from engine.storage.postgres.database import open_database
from engine.tickets.actor import Actor
from tests.support.api_client import bearer
from tests.support.declared_resources import put_resources
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.own_postgres import own_postgres
from tests.support.personas import ANNA, MARTON
from tests.support.replicas import Replica, replica

UNKNOWN_NAMES = " ".join(f"wings{number}" for number in range(1_900))
FRAGMENTS = " ".join(
    f"fragment F{number} on TicketConnection {{ nodes {{ id }} }}" for number in range(120)
)
SPREADS = " ".join(f"...F{number}" for number in range(120))
ALIASES = " ".join(f"a{number}: displayName" for number in range(190))
LOADS = [
    f"{{ {UNKNOWN_NAMES} }}",
    f"{{ tickets {{ {SPREADS} }} }} {FRAGMENTS}",
    f'{{ workflow(name: "service_request") {{ {ALIASES} }} }}',
]
AT_ONCE = 16
READS = 10
TOO_MANY_REQUESTS = 429


@pytest.fixture
async def server() -> AsyncIterator[Replica]:
    async with own_postgres() as postgres:
        await migrate(postgres.url)
        async with open_database(postgres.url) as database:
            await put_resources(database)
        async with replica(postgres.url) as started:
            yield started


async def send(server: Replica, actor: Actor, query: str) -> tuple[int, dict[str, str], str]:
    """Send a query; return status, headers and body."""
    async with (
        aiohttp.ClientSession(headers=bearer(actor)) as session,
        session.post(f"{server.url}/graphql", json={"query": query}) as response,
    ):
        return response.status, {**response.headers}, await response.text()


class NoisyViewer:
    """A user who sends a document again and again, each time as a new one.

    Attributes:
        statuses: how often the server answered with each status.

    """

    def __init__(self, server: Replica, document: str) -> None:
        self.server = server
        self.document = document
        self.actor = Actor(f"u_{sha256(document.encode()).hexdigest()[:8]}", "Noisy")
        self.statuses: Counter[int] = Counter()

    async def send_until_refused(self) -> None:
        """Send requests until many of them were refused; check the refusals."""
        while self.statuses[TOO_MANY_REQUESTS] < AT_ONCE:
            query = f"{self.document} #{self.statuses.total()} {id(asyncio.current_task())}"
            status, headers, body = await send(self.server, self.actor, query)
            self.statuses[status] += 1
            if status == TOO_MANY_REQUESTS:
                [error] = json.loads(body)["errors"]
                assert error["extensions"]["limit"] == "viewer_rate"
                assert error["extensions"]["unit"] == "milliseconds"
                assert int(headers["Retry-After"]) == error["extensions"]["retryAfter"] >= 1
                assert '"viewer";r=0;t=' in headers["RateLimit"]


async def test_only_the_viewer_that_uses_up_its_budget_is_refused(server: Replica) -> None:
    for document in LOADS:
        noisy = NoisyViewer(server, document)
        async with asyncio.timeout(2 * TIMEOUT_SECONDS), asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(noisy.send_until_refused())
            for reader in (ANNA, MARTON) * READS:
                status, _, body = await send(server, reader, "{ workflows { name } }")
                assert (status, "errors" in body) == (200, False)
        assert noisy.statuses.keys() - {TOO_MANY_REQUESTS}, "the first requests are answered"
