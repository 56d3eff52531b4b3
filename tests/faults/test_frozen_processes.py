"""A frozen process keeps no lock for longer than a transaction can be idle."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from engine.limits import RETRY_AFTER_SECONDS_MAX
from engine.storage.history.changes import changes_after
from engine.storage.history.log import log_end
from engine.storage.postgres.database import open_database
from engine.storage.postgres.locks import lock_tickets_exclusive
from engine.storage.sla.breaches import sweep_due_times
from engine.storage.tickets.store import TicketStore
from tests.support.api_client import bearer
from tests.support.concurrent_changes import open_ticket, pick_up
from tests.support.declared_resources import declare
from tests.support.lock_gates import TIMEOUT_SECONDS, open_observer
from tests.support.own_postgres import OwnPostgres, prepared_postgres
from tests.support.personas import ANNA
from tests.support.record_flaws import record_flaws
from tests.support.replicas import replica
from tests.support.stored_sla import differences, history, later, open_ticket_with_sla
from tests.support.values_mount import NARROWED

TICKET = {"title": "Printer", "workflow": "service_request"}


@pytest.fixture
async def postgres() -> AsyncIterator[OwnPostgres]:
    """Return a server with a shorter limit for idle transactions than that of the product."""
    async with prepared_postgres("idle_in_transaction_session_timeout=2s") as server:
        yield server


async def test_a_frozen_server_does_not_keep_its_transaction(postgres: OwnPostgres) -> None:
    async with (
        replica(postgres.url) as frozen,
        aiohttp.ClientSession(frozen.url, headers=bearer(ANNA)) as client,
        open_observer(postgres.url) as observer,
        open_database(postgres.url) as database,
    ):
        start = await log_end(database)
        async with observer.closed_gate("ticket_status_history"):
            creating = asyncio.create_task(client.post("/api/v1/tickets", json=TICKET))
            [blocked] = await observer.wait_until_blocked(1)
            frozen.send_signal(signal.SIGSTOP)
        await observer.wait_for(0, f"pid = {blocked}")
        opened = await open_ticket(TicketStore(database))
        async with database.transaction() as session:
            await lock_tickets_exclusive(session, TIMEOUT_SECONDS)
        [change] = await changes_after(database, start, 10)
        assert change[0].ticket == opened
        frozen.send_signal(signal.SIGCONT)
        async with await creating as response:
            assert response.status == 503
            assert int(response.headers["Retry-After"]) <= RETRY_AFTER_SECONDS_MAX
        async with client.post("/api/v1/tickets", json=TICKET) as response:
            assert response.status == 201


FOLLOW = """subscription ($after: String!) {
  ticketsChanged(after: $after) { entry { seq } ticket { id } }
}"""
NARROW = {
    "name": "incident_response",
    "displayName": "Narrow",
    "transitions": [{"from": "OPEN", "to": "CLOSED", "role": "requester"}],
}
CLOSE = """mutation ($id: ID!, $to: Status!) {
  transitionTicket(id: $id, to: $to) { ticket { status } }
}"""


async def test_a_server_that_was_frozen_catches_up_and_loses_and_doubles_nothing(
    postgres: OwnPostgres,
) -> None:
    """While it is frozen, tickets change, breaches become due, and a workflow becomes narrower."""
    async with (
        replica(postgres.url) as frozen,
        aiohttp.ClientSession(frozen.url, headers=bearer(ANNA)) as client,
        open_database(postgres.url) as database,
        followed(client) as stream,
    ):
        store = TicketStore(database)
        before = await open_ticket(store, assignee=ANNA.id)
        assert await received(stream, 1) == [(before.id, 1)]
        frozen.send_signal(signal.SIGSTOP)
        tickets = [await open_ticket_with_sla(store) for _ in range(3)]
        for each in tickets:
            await pick_up(store, each)
        await declare(database, workflows=[NARROW])
        late = later(tickets[-1], days=9)
        await sweep_due_times(database, late)
        expected = [
            (each.id, seq)
            for each in tickets
            for seq in range(1, len(await history(database, each)) + 1)
        ]
        frozen.send_signal(signal.SIGCONT)
        assert sorted(await received(stream, len(expected))) == sorted(expected)
        variables = {"id": before.id, "to": "IN_PROGRESS"}
        async with client.post("/graphql", json={"query": CLOSE, "variables": variables}) as done:
            [refusal] = (await done.json())["errors"]
        assert refusal["extensions"]["code"] == "forbidden_transition"
        variables["to"] = "CLOSED"
        async with client.post("/graphql", json={"query": CLOSE, "variables": variables}) as done:
            assert "errors" not in await done.json()
        assert await received(stream, 1) == [(before.id, 2)]
        await frozen.wait_until_ready()
        assert await sweep_due_times(database, late) == 0
        assert await differences(database) == []
        assert await record_flaws(database) == []


@asynccontextmanager
async def followed(client: aiohttp.ClientSession) -> AsyncIterator[aiohttp.ClientResponse]:
    """Open a subscription to all changes from now on."""
    async with client.post("/graphql", json={"query": "{ position }"}) as response:
        position = (await response.json())["data"]["position"]
    body = {"query": FOLLOW, "variables": {"after": position}}
    async with client.post("/graphql/stream", json=body) as stream:
        yield stream


async def received(stream: aiohttp.ClientResponse, count: int) -> list[tuple[str, int]]:
    """Return the next changes of a subscription: each ticket with the number of its entry."""
    changes: list[tuple[str, int]] = []
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while len(changes) < count:
            line = await stream.content.readline()
            if line.startswith(b"data: {"):
                change = json.loads(line.removeprefix(b"data: "))["data"]["ticketsChanged"]
                changes.append((change["ticket"]["id"], change["entry"]["seq"]))
    return changes


async def test_a_frozen_apply_does_not_keep_tickets_locked(
    postgres: OwnPostgres, tmp_path: Path
) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(NARROWED)
    async with open_observer(postgres.url) as observer, open_database(postgres.url) as database:
        async with observer.closed_gate("workflow_revisions"):
            applying = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", "from api.cli.main import main; main()"),
                *("apply", "-f", str(values), "--yes"),
                env={"INTERLOCK_DATABASE_URL": postgres.url},
                stderr=asyncio.subprocess.PIPE,
            )
            [blocked] = await observer.wait_until_blocked(1)
            applying.send_signal(signal.SIGSTOP)
        await observer.wait_for(0, f"pid = {blocked}")
        await open_ticket(TicketStore(database))
        applying.send_signal(signal.SIGCONT)
        _, errors = await applying.communicate()
        assert applying.returncode == 1
        assert b"[unavailable]" in errors
