"""No standby responds: what a client sends again is not acknowledged before a standby has it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.support.api_client import bearer
from tests.support.own_postgres import OwnPostgres, prepared_postgres
from tests.support.personas import MARTON
from tests.support.replicas import UNLIMITED, Replica, replica

CREATE = """mutation {
  change: createTicket(title: "Payments fail", workflow: "service_request", idempotencyKey: "K1") {
    ticket { id } } }"""
COMMENT = """mutation ($id: ID!) {
  change: commentTicket(id: $id, text: "Looking", idempotencyKey: "K2") { ticket { id } } }"""
START = """mutation ($id: ID!) {
  change: startTicket(id: $id, idempotencyKey: "K3") { ticket { id } } }"""


@pytest.fixture
async def postgres() -> AsyncIterator[OwnPostgres]:
    async with prepared_postgres() as server:
        yield server


@pytest.fixture
async def server(postgres: OwnPostgres) -> AsyncIterator[Replica]:
    limits = f"{UNLIMITED['INTERLOCK_LIMITS']} request_seconds=1"
    async with replica(postgres.url, {"INTERLOCK_LIMITS": limits}) as started:
        yield started


async def set_standbys(postgres: OwnPostgres, names: str) -> None:
    await postgres.execute(
        f"ALTER SYSTEM SET synchronous_standby_names = '{names}'", "SELECT pg_reload_conf()"
    )


async def test_a_repeated_request_waits_for_a_standby_as_well(
    postgres: OwnPostgres, server: Replica
) -> None:
    async with aiohttp.ClientSession(headers=bearer(MARTON)) as session:

        async def change(mutation: str, **variables: str) -> str:
            """Return the id of the ticket, or the code of the error."""
            body = {"query": mutation, "variables": variables}
            async with session.post(f"{server.url}/graphql", json=body) as response:
                answer = await response.json()
            if "errors" in answer:
                code: str = answer["errors"][0]["extensions"]["code"]
                return code
            ticket: str = answer["data"]["change"]["ticket"]["id"]
            return ticket

        other = await change(CREATE.replace("K1", "K0"))
        await set_standbys(postgres, "missing")
        requests: list[tuple[str, dict[str, str]]] = [
            (CREATE, {}),
            (COMMENT, {"id": other}),
            (START, {"id": other}),
        ]
        answers = [
            [await change(mutation, **variables) for _ in range(3)]
            for mutation, variables in requests
        ]
        assert answers == [["deadline_exceeded"] * 3] * 3
        await set_standbys(postgres, "")
        created, commented, started = [await change(each, **values) for each, values in requests]
        assert created.startswith("tk_")
        assert commented == started == other
