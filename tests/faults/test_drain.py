"""A server that must stop serves on until its clients have gone to other servers."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from itertools import cycle

import aiohttp
import pytest
from aiohttp import hdrs

from engine.storage.migrate import MIGRATION_LOCK
from tests.support.api_client import SECRET, bearer
from tests.support.haproxy import free_ports, haproxy
from tests.support.lock_gates import TIMEOUT_SECONDS, Observer
from tests.support.personas import ANNA
from tests.support.replicas import Replica, replica
from tests.support.streams import SUBPROTOCOL

CREATE = """mutation ($title: String!) {
  createTicket(title: $title, workflow: "service_request") { ticket { id } }
}"""
DRAIN_SECONDS = "3"
"""Thirty times the interval of HAProxy's checks."""


@pytest.fixture
async def patient(database_url: str) -> AsyncIterator[Replica]:
    """Return a replica whose drain takes longer than the test."""
    async with replica(database_url, {"INTERLOCK_DRAIN_SECONDS": "3600"}) as server:
        yield server


async def test_a_draining_server_is_not_ready_and_serves_on(patient: Replica) -> None:
    body = {"query": CREATE, "variables": {"title": "Printer"}}
    async with aiohttp.ClientSession(patient.url, headers=bearer(ANNA)) as client:
        async with client.post("/graphql", json=body) as response:
            assert hdrs.CONNECTION not in response.headers
        patient.send_signal(signal.SIGTERM)
        await patient.wait_until_logged("draining")
        for _ in range(2):  # on the open connection, and on a new one
            async with client.get("/readyz") as response:
                problem = await response.json(content_type=None)
                assert (response.status, problem["code"]) == (503, "unavailable")
                assert problem["detail"].startswith("The server is stopping.")
                assert response.headers[hdrs.CONNECTION] == "close"
        async with client.post("/graphql", json=body) as response:
            assert (response.status, "errors" in await response.json()) == (200, False)
            assert response.headers[hdrs.CONNECTION] == "close"
        async with client.get("/livez") as response:
            assert response.status == 200
        async with client.ws_connect("/graphql/ws", protocols=(SUBPROTOCOL,)) as socket:
            await socket.send_json({"type": "connection_init"})
            assert await socket.receive_json() == {"type": "connection_ack"}
    patient.send_signal(signal.SIGTERM)
    assert await patient.wait_until_ended() == -signal.SIGTERM


async def test_a_server_that_is_stopped_while_it_starts_does_not_drain(
    database_url: str, observer: Observer
) -> None:
    await observer.connection.execute(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
    starting = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from api.cli.main import main; main()", "serve"),
        env={
            "INTERLOCK_DATABASE_URL": database_url,
            "INTERLOCK_JWT_SECRET": SECRET.get_secret_value(),
            "INTERLOCK_DRAIN_SECONDS": "3600",
        },
        stderr=asyncio.subprocess.PIPE,
    )
    await observer.wait_until_blocked(1)
    starting.send_signal(signal.SIGTERM)
    async with asyncio.timeout(TIMEOUT_SECONDS):
        _, log = await starting.communicate()
    assert starting.returncode == 0
    assert b"stopped" in log
    assert b"Traceback" not in log


class Clients:
    """Clients that change tickets until they are stopped."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()
        self.failures: list[str] = []
        self.succeeded: Counter[str] = Counter()

    async def keep_alive(self, kind: str, *urls: str) -> None:
        """Use one connection; if the server closes it, continue with the next address."""
        addresses = cycle(urls)
        url = next(addresses)
        async with self._session() as session:
            while not self.stopped.is_set():
                if await self._change(kind, session, url) == "close":
                    url = next(addresses)

    async def reconnect(self, kind: str, url: str) -> None:
        """Open a connection for each request."""
        while not self.stopped.is_set():
            async with self._session() as session:
                await self._change(kind, session, url)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        connector = aiohttp.TCPConnector(limit=1)
        async with aiohttp.ClientSession(headers=bearer(ANNA), connector=connector) as session:
            yield session

    async def _change(self, kind: str, session: aiohttp.ClientSession, url: str) -> str | None:
        """Open a ticket; return the `Connection` header of the response."""
        body = {"query": CREATE, "variables": {"title": kind}}
        try:
            async with session.post(f"{url}/graphql", json=body) as response:
                if response.status != 200 or "errors" in await response.json():
                    self.failures.append(f"{kind}: {response.status} {await response.text()}")
                else:
                    self.succeeded[kind] += 1
                return response.headers.get(hdrs.CONNECTION)
        except aiohttp.ClientError as error:
            self.failures.append(f"{kind}: {error!r}")
            return "close"
        finally:
            await asyncio.sleep(0.03)  # leaves time to the servers, which start meanwhile


async def test_a_rolling_restart_fails_no_request(database_url: str) -> None:
    ports = free_ports(2)
    settings = {
        "INTERLOCK_DRAIN_SECONDS": DRAIN_SECONDS,
        "INTERLOCK_LIMITS": "viewer_rate=0 address_rate=0",
    }

    def started(port: int) -> AbstractAsyncContextManager[Replica]:
        return replica(database_url, {**settings, "INTERLOCK_PORT": str(port)})

    async with (
        started(ports[0]) as first,
        started(ports[1]) as second,
        haproxy(ports) as proxy,
        AsyncExitStack() as stack,
    ):
        for port in ports:
            await proxy.wait_until_up(port)
        clients = Clients()
        async with asyncio.TaskGroup() as running:
            running.create_task(clients.keep_alive("direct, kept alive", first.url, second.url))
            for kind in ("with_retries", "without_retries"):
                url = getattr(proxy, kind)
                running.create_task(clients.keep_alive(f"{kind}, kept alive", url))
                running.create_task(clients.reconnect(f"{kind}, new connections", url))
            first.send_signal(signal.SIGTERM)
            assert await first.wait_until_ended() == 0
            await stack.enter_async_context(started(ports[0]))
            await proxy.wait_until_up(ports[0])
            second.send_signal(signal.SIGTERM)
            assert await second.wait_until_ended() == 0
            clients.stopped.set()
    assert clients.failures == []
    assert len(clients.succeeded) == 5
