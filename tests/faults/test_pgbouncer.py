"""Servers and commands behind PgBouncer in transaction mode."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from engine.tickets.actor import Actor
from tests.support.api_client import bearer
from tests.support.command import interlock, interlock_process, on
from tests.support.lock_gates import TIMEOUT_SECONDS, open_observer
from tests.support.own_postgres import OwnPostgres, own_postgres
from tests.support.personas import ANNA, MARTON
from tests.support.pgbouncer import pgbouncer
from tests.support.replicas import replica
from tests.support.values_mount import ALL_DEFAULTS, CHANGED, NARROWED

INCIDENTS = 20
"""More at the same time than PgBouncer has sessions."""
CREATE = """mutation { createTicket(
  title: "Payments fail", workflow: "incident_response", assigneeGroup: "payment-team"
) { ticket { id } } }"""
START = """mutation ($id: ID!, $to: ID) {
  assignTicket(id: $id, assignee: $to) { ticket { id } }
  transitionTicket(id: $id, to: IN_PROGRESS) { ticket { version } }
}"""
TRANSITION = (
    "mutation ($id: ID!, $to: Status!) { transitionTicket(id: $id, to: $to) { ticket { id } } }"
)
TRANSITIONS = "query ($name: ID!) { workflow(name: $name) { transitions { from to } } }"


@pytest.fixture
async def postgres() -> AsyncIterator[OwnPostgres]:
    async with own_postgres() as server:
        yield server


@pytest.fixture
async def pooled_url(postgres: OwnPostgres) -> AsyncIterator[str]:
    async with pgbouncer(postgres) as url:
        yield url


@pytest.fixture
def apply_defaults(tmp_path: Path) -> tuple[str, ...]:
    """Return the command that applies the defaults."""
    (tmp_path / "defaults.yaml").write_text(ALL_DEFAULTS)
    return ("apply", "-f", str(tmp_path / "defaults.yaml"), "--yes")


@pytest.fixture
def apply_narrowed(tmp_path: Path) -> tuple[str, ...]:
    """Return the command that applies a changed workflow."""
    (tmp_path / "narrowed.yaml").write_text(NARROWED)
    return ("apply", "-f", str(tmp_path / "narrowed.yaml"), "--yes", "--wait")


def run(pooled_url: str, *arguments: str) -> None:
    done = interlock(*arguments, env=on(pooled_url))
    assert done.returncode == 0, done.stderr


class Clients:
    """Clients of one server."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def ask(self, actor: Actor, query: str, **variables: object) -> Any:  # noqa: ANN401  # any JSON
        body = {"query": query, "variables": variables}
        async with self.session.post("/graphql", json=body, headers=bearer(actor)) as response:
            answer = await response.json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def handle_incident(self) -> None:
        """Report, fix and confirm an incident."""
        created = await self.ask(ANNA, CREATE)
        ticket = created["createTicket"]["ticket"]["id"]
        started = await self.ask(MARTON, START, id=ticket, to=MARTON.id)
        assert started["transitionTicket"]["ticket"]["version"] == 3
        await self.ask(MARTON, TRANSITION, id=ticket, to="RESOLVED")
        await self.ask(ANNA, TRANSITION, id=ticket, to="CLOSED")

    async def read_transitions(self) -> object:
        """Return the transitions of a workflow, as the server has them."""
        return await self.ask(ANNA, TRANSITIONS, name=CHANGED.name)

    async def wait_until_notified(self, before: object) -> None:
        """Wait until the server has other transitions, for less time than without notifications."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                if await self.read_transitions() != before:
                    return
                await asyncio.sleep(0.05)


async def test_incidents_are_handled_behind_a_pooler(
    postgres: OwnPostgres,
    pooled_url: str,
    apply_defaults: tuple[str, ...],
    apply_narrowed: tuple[str, ...],
) -> None:
    run(pooled_url, "migrate")
    run(pooled_url, *apply_defaults)
    async with (
        replica(pooled_url, {"INTERLOCK_DATABASE_DIRECT_URL": postgres.url}) as server,
        aiohttp.ClientSession(server.url) as session,
    ):
        clients = Clients(session)
        await clients.ask(MARTON, "{ viewer { id } }")  # so that his group is known
        await asyncio.gather(*(clients.handle_incident() for _ in range(INCIDENTS)))
        before = await clients.read_transitions()
        run(pooled_url, *apply_narrowed)
        await clients.wait_until_notified(before)
        await server.wait_until_ready()
    run(pooled_url, "history", "verify")


async def test_a_killed_apply_keeps_no_lock_behind_a_pooler(
    postgres: OwnPostgres,
    pooled_url: str,
    apply_defaults: tuple[str, ...],
    apply_narrowed: tuple[str, ...],
) -> None:
    run(pooled_url, "migrate")
    run(pooled_url, *apply_defaults)
    async with open_observer(postgres.url) as observer:
        async with observer.closed_gate("workflow_revisions"):
            killed = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", "from api.cli.main import main; main()", *apply_narrowed),
                env=on(pooled_url),
            )
            await observer.wait_until_blocked(1)
            killed.send_signal(signal.SIGKILL)
            await killed.wait()
        for _ in range(2):
            run(pooled_url, *apply_narrowed)
        assert await observer.connection.fetchval("SELECT max(id) FROM reconciliations") == 2


async def test_a_server_behind_a_pooler_needs_a_direct_url(pooled_url: str) -> None:
    settings = on(pooled_url) | {"INTERLOCK_JWT_SECRET": "0123456789abcdef" * 2}
    refused = await asyncio.to_thread(interlock_process, "serve", env=settings)
    assert refused.returncode == 1
    assert "set INTERLOCK_DATABASE_DIRECT_URL" in refused.stderr
