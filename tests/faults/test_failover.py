"""The database loses changes in a fail-over; those who have seen them are notified."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from engine.storage.migrate import migrate
from engine.storage.postgres.database import open_database
from tests.support.api_client import bearer
from tests.support.declared_resources import put_resources
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.own_postgres import OwnPostgres, own_postgres
from tests.support.personas import ANNA
from tests.support.replicas import Replica, replica
from tests.support.webhook_receiver import (
    SECRET,
    Receiver,
    declare,
    open_receiver,
    wait_for_deliveries,
)

OPEN = """mutation ($title: String!) {
  createTicket(title: $title, workflow: "service_request") { ticket { id } }
}"""
COMMENT = (
    "mutation ($id: ID!, $text: String!) { commentTicket(id: $id, text: $text) { ticket { id } } }"
)
FOLLOW = """subscription ($after: String!) {
  ticketsChanged(after: $after) { entry { kind comment } ticket { id } position }
}"""


@pytest.fixture
async def postgres() -> AsyncIterator[OwnPostgres]:
    async with own_postgres() as server:
        await migrate(server.url)
        yield server


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as opened:
        yield opened


@pytest.fixture
async def server(
    postgres: OwnPostgres, receiver: Receiver, tmp_path: Path
) -> AsyncIterator[Replica]:
    """Return a server with a webhook."""
    (tmp_path / "chat").write_text(SECRET)
    async with open_database(postgres.url) as database:
        await put_resources(database)
        await declare(database, receiver.url)
    settings = {
        "INTERLOCK_WEBHOOK_HOSTS": receiver.origin,
        "INTERLOCK_WEBHOOK_SECRETS_DIR": str(tmp_path),
    }
    async with replica(postgres.url, settings) as started:
        yield started


class Client:
    """A user who changes tickets, again until the server accepts each change."""

    def __init__(self, server: Replica, session: aiohttp.ClientSession) -> None:
        self.server = server
        self.session = session

    async def change(self, query: str, **variables: str) -> str:
        """Make a change; return the id of its ticket."""
        body = {"query": query, "variables": variables}
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                async with self.session.post(f"{self.server.url}/graphql", json=body) as response:
                    answer = await response.json()
                if "errors" not in answer:
                    [payload] = answer["data"].values()
                    ticket: str = payload["ticket"]["id"]
                    return ticket
                assert answer["errors"][0]["extensions"]["code"] == "unavailable"

    async def position(self) -> str:
        """Return the position at the end of the log."""
        body = {"query": "{ position }"}
        async with self.session.post(f"{self.server.url}/graphql", json=body) as response:
            position: str = (await response.json())["data"]["position"]
            return position

    async def comment(self, ticket: str, *texts: str) -> None:
        for text in texts:
            await self.change(COMMENT, id=ticket, text=text)

    @asynccontextmanager
    async def following(self, after: str) -> AsyncIterator["Follower"]:
        """Open a subscription."""
        body = {"query": FOLLOW, "variables": {"after": after}}
        async with self.session.post(f"{self.server.url}/graphql/stream", json=body) as response:
            yield Follower(response)

    async def metrics(self) -> Mapping[str, float]:
        """Return the metrics that have no labels."""
        async with self.session.get(f"{self.server.url}/metrics") as response:
            lines = (await response.text()).splitlines()
        pairs = (line.split() for line in lines if not line.startswith("#") and "{" not in line)
        return {name: float(value) for name, value in pairs}


class Follower:
    """A subscriber.

    Attributes:
        position: the last one that it received.

    """

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.position = ""

    async def payload(self) -> dict[str, Any]:
        """Return the next response to the subscription."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while line := await self.response.content.readline():
                if line.startswith(b"data: {"):
                    payload: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
                    return payload
        raise AssertionError("the stream ended without an error")

    async def receive(self, count: int) -> list[str]:
        """Return the texts of the next comments, until there are `count`."""
        texts: list[str] = []
        while len(texts) < count:
            change = (await self.payload())["data"]["ticketsChanged"]
            self.position = change["position"]
            if change["entry"]["kind"] == "COMMENT":
                texts.append(change["entry"]["comment"])
        return texts

    async def error(self) -> str:
        """Return the code of the error that ends the subscription; skip changes before it."""
        while "errors" not in (payload := await self.payload()):
            pass
        code: str = payload["errors"][0]["extensions"]["code"]
        return code


LOST = ["lost 1", "lost 2"]
NEW = ["new 1", "new 2", "new 3"]
"""More than were lost, so that the end of the log passes the lost positions."""


def texts_by_id(receiver: Receiver) -> dict[str, str]:
    """Return the comments that the receiver got, by the id of their event."""
    events = (each.event for each in receiver.received)
    return {each["id"]: each["data"]["to"] for each in events if each["data"]["version"] > 1}


async def wait_until_delivered(postgres: OwnPostgres, count: int) -> None:
    """Wait until results of deliveries are recorded, so that no claim outlasts a fault."""
    async with open_database(postgres.url) as database:
        await wait_for_deliveries(database, "delivered", count)


async def copy_data(postgres: OwnPostgres, *, promote: bool) -> Path:
    return await (postgres.copy() if promote else postgres.copy_stopped())


@pytest.mark.parametrize("promote", [False, True], ids=["older copy", "promoted standby"])
async def test_those_who_have_seen_lost_changes_are_notified(
    postgres: OwnPostgres, server: Replica, receiver: Receiver, *, promote: bool
) -> None:
    async with aiohttp.ClientSession(headers=bearer(ANNA)) as session:
        client = Client(server, session)
        ticket = await client.change(OPEN, title="Payments fail")
        start = await client.position()
        async with client.following(start) as careful, client.following(start) as staying:
            await client.comment(ticket, "kept 1")
            assert await careful.receive(1) == ["kept 1"]
            await wait_until_delivered(postgres, 2)

            await postgres.go_back(await copy_data(postgres, promote=promote), promote=promote)
            await client.comment(ticket, "kept 2")
            assert await careful.receive(1) == ["kept 2"], "a fault without a loss"
            await wait_until_delivered(postgres, 3)

            copy = await copy_data(postgres, promote=promote)
            await client.comment(ticket, *LOST)
            assert await staying.receive(4) == ["kept 1", "kept 2", *LOST]
            await receiver.wait_until(lambda: {*texts_by_id(receiver).values()} >= {*LOST})
            await postgres.go_back(copy, promote=promote)
            await client.comment(ticket, *NEW)
            assert await staying.error() == "position_lost"
        async with client.following(staying.position) as resumed:
            assert await resumed.error() == "position_lost"
        async with client.following(careful.position) as resumed:
            assert await resumed.receive(len(NEW)) == NEW

        await receiver.wait_until(lambda: {*texts_by_id(receiver).values()} >= {*NEW})
        assert sorted(texts_by_id(receiver).values()) == ["kept 1", "kept 2", *LOST, *NEW]
        await server.wait_until_logged("the database lost changes")
        assert (await client.metrics())["interlock_log_rewinds_total"] == 1
