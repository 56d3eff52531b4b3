"""A database that is read-only, hangs or has moved is unavailable until it is back."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from engine.limits import RETRY_AFTER_SECONDS_MAX
from tests.support.api_client import bearer
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.own_postgres import OwnPostgres, prepared_postgres, standby_of
from tests.support.personas import ANNA
from tests.support.replicas import Replica, replica
from tests.support.tcp_proxy import TcpProxy, tcp_proxy

TICKET = {"title": "Printer", "workflow": "service_request"}
CREATE = """mutation {
  createTicket(title: "Printer", workflow: "service_request") { ticket { id } }
}"""
COUNT = {"query": "{ tickets { totalCount } }"}


@pytest.fixture
async def postgres() -> AsyncIterator[OwnPostgres]:
    async with prepared_postgres() as server:
        yield server


@pytest.fixture
async def proxy(postgres: OwnPostgres) -> AsyncIterator[TcpProxy]:
    async with tcp_proxy("127.0.0.1", postgres.port) as opened:
        yield opened


@pytest.fixture
async def server(proxy: TcpProxy) -> AsyncIterator[Replica]:
    """Return a replica whose connections to PostgreSQL go through the proxy."""
    url = f"postgresql://postgres@127.0.0.1:{proxy.local_port}/postgres"
    async with replica(url, {"INTERLOCK_LIMITS": "request_seconds=4"}) as started:
        yield started


async def set_read_only(server: OwnPostgres, *, read_only: bool) -> None:
    value = "on" if read_only else "off"
    await server.execute(
        f"ALTER SYSTEM SET default_transaction_read_only = {value}", "SELECT pg_reload_conf()"
    )


def is_retry_after(value: object) -> bool:
    return int(str(value)) in range(1, RETRY_AFTER_SECONDS_MAX + 1)


async def assert_unavailable(client: aiohttp.ClientSession) -> None:
    """Assert that changes through each interface are answered with 503."""
    async with client.post("/api/v1/tickets", json=TICKET) as response:
        problem = await response.json(content_type=None)
        assert (response.status, problem["code"]) == (503, "unavailable")
        assert is_retry_after(response.headers["Retry-After"])
    async with client.post("/graphql", json={"query": CREATE}) as response:
        [error] = (await response.json())["errors"]
        assert error["extensions"]["code"] == "unavailable"
        assert response.headers["Retry-After"] == str(error["extensions"]["retryAfter"])


async def create_ticket(client: aiohttp.ClientSession) -> None:
    """Open a ticket, trying again as long as the database is unavailable."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            async with client.post("/api/v1/tickets", json=TICKET) as response:
                if response.status == 201:
                    return
                problem = await response.json(content_type=None)
                assert (response.status, problem["code"]) == (503, "unavailable"), problem


async def test_a_database_that_cannot_be_written_is_unavailable(
    postgres: OwnPostgres, proxy: TcpProxy, server: Replica
) -> None:
    quick = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(server.url, headers=bearer(ANNA), timeout=quick) as client:
        await create_ticket(client)
        await set_read_only(postgres, read_only=True)
        await server.wait_until_ready(503)
        for _ in range(3):
            await assert_unavailable(client)
        async with client.post("/graphql", json=COUNT) as response:
            assert await response.json() == {"data": {"tickets": {"totalCount": 1}}}
        await set_read_only(postgres, read_only=False)
        await server.wait_until_ready()
        await create_ticket(client)

        proxy.stall()
        for _ in range(2):  # a probe is answered before it is given up
            async with client.get("/readyz") as response:
                assert response.status == 503
                assert is_retry_after(response.headers["Retry-After"])
        async with client.post("/api/v1/tickets", json=TICKET) as response:
            problem = await response.json(content_type=None)
            assert (response.status, problem["code"]) == (503, "deadline_exceeded")
        proxy.resume()
        await server.wait_until_ready()
        await create_ticket(client)


async def test_a_server_follows_the_primary() -> None:
    async with prepared_postgres() as one, standby_of(one) as two:
        hosts = f"127.0.0.1:{one.port},127.0.0.1:{two.port}"
        url = f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"
        async with (
            replica(url) as server,
            aiohttp.ClientSession(server.url, headers=bearer(ANNA)) as client,
        ):
            await create_ticket(client)
            await set_read_only(one, read_only=True)  # as a demoted primary, which ends no session
            await server.wait_until_ready(503)
            await two.promote()
            await server.wait_until_ready()
            await create_ticket(client)

            await two.kill()
            await server.wait_until_ready(503)
            await set_read_only(one, read_only=False)
            await server.wait_until_ready()
            await create_ticket(client)
