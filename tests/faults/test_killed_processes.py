"""Replicas and PostgreSQL are killed while clients change tickets: nothing acknowledged is lost."""

import asyncio
import signal
from collections.abc import AsyncIterator

import aiohttp
import pytest

from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import open_database
from tests.support.api_client import bearer
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.own_postgres import OwnPostgres, prepared_postgres
from tests.support.personas import ANNA
from tests.support.record_flaws import record_flaws
from tests.support.replicas import UNLIMITED, Replica, replica
from tests.support.seals import seal_everything

CLIENTS = 4
ACKNOWLEDGED_BEFORE_THE_FAULT = 20
OPEN = """mutation ($title: String!) {
  createTicket(title: $title, workflow: "service_request") { ticket { id } }
}"""


@pytest.fixture
async def postgres() -> AsyncIterator[OwnPostgres]:
    """Return a server whose default loses what was committed in the last seconds."""
    async with prepared_postgres("synchronous_commit=off", "wal_writer_delay=10s") as server:
        yield server


class Clients:
    """Clients that open tickets until the first failure, and remember what was acknowledged."""

    def __init__(self, server: Replica) -> None:
        self.url = f"{server.url}/graphql"
        self.acknowledged: list[str] = []
        self.enough = asyncio.Event()

    async def run(self, client: int) -> None:
        async with aiohttp.ClientSession(headers=bearer(ANNA)) as session:
            for number in range(10_000):
                body = {"query": OPEN, "variables": {"title": f"{client}-{number}"}}
                try:
                    async with session.post(self.url, json=body) as response:
                        answer = await response.json()
                except aiohttp.ClientError:
                    return
                if "data" not in answer or "errors" in answer:
                    return
                self.acknowledged.append(answer["data"]["createTicket"]["ticket"]["id"])
                if len(self.acknowledged) >= ACKNOWLEDGED_BEFORE_THE_FAULT:
                    self.enough.set()


@pytest.mark.parametrize("killed", ["replica", "postgres"])
async def test_no_acknowledged_ticket_is_lost(postgres: OwnPostgres, killed: str) -> None:
    async with replica(postgres.url, UNLIMITED) as server, asyncio.TaskGroup() as running:
        clients = Clients(server)
        for number in range(CLIENTS):
            running.create_task(clients.run(number))
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await clients.enough.wait()
        if killed == "replica":
            server.send_signal(signal.SIGKILL)
        else:
            await postgres.kill()
            await postgres.start()
    async with open_database(postgres.url) as database:
        histories = await read_histories(database, clients.acknowledged)
        sealed = await seal_everything(database)
        assert sealed.counts.entries >= len(clients.acknowledged)
        assert await record_flaws(database) == []
    assert all(histories.values())
    assert len(histories) == len(clients.acknowledged) >= ACKNOWLEDGED_BEFORE_THE_FAULT
