"""Clients without a token that try to stop a server: the others are still served."""

import asyncio
import gzip
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Final

import aiohttp
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from tests.support.api_client import bearer
from tests.support.databases import new_database
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.personas import ANNA
from tests.support.raw_http import head, post, raw_connection
from tests.support.replicas import Replica, replica

DESCRIPTORS: Final = 400
CONNECTIONS: Final = DESCRIPTORS // 2
ADDRESS_CONNECTIONS: Final = CONNECTIONS // 2
IDLE: Final = 500
ELSEWHERE: Final = "127.0.0.2"
"""Another address of this machine, which Linux has without configuration."""
PRIVATE_TEXT: Final = "hunter2"
TOO_FEW_DESCRIPTORS: Final = "too few file descriptors for the limit `connections`"
QUERY: Final = json.dumps({"query": "{ workflows { name } }"}).encode()
TOKEN: Final = f"Authorization: {bearer(ANNA)['Authorization']}"
JSON: Final = "Content-Type: application/json"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the machine has only one address")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def attacked(template: str) -> AsyncIterator[Replica]:
    settings = {"INTERLOCK_LIMITS": "head_seconds=1 body_seconds=0.1"}
    async with new_database(template) as url, replica(url, settings, DESCRIPTORS) as server:
        yield server


async def is_served(attacked: Replica) -> bool:
    """Return whether a user at another address gets an answer."""
    async with raw_connection(attacked.url, ELSEWHERE) as connection:
        await connection.send(post("/graphql", QUERY, TOKEN, JSON))
        return "errors" not in (await connection.read_response()).problem


def failures(attacked: Replica) -> list[dict[str, object]]:
    """Return the lines of the log that are no information, except for the expected warnings."""
    expected = {"connections refused", TOO_FEW_DESCRIPTORS}
    return [line for line in attacked.problems if line["event"] not in expected]


async def test_connections_that_send_nothing_leave_room_for_others(attacked: Replica) -> None:
    async with AsyncExitStack() as stack:
        opening = [stack.enter_async_context(raw_connection(attacked.url)) for _ in range(IDLE)]
        idle = await asyncio.gather(*opening)
        assert await is_served(attacked)
        answers = await asyncio.gather(*(each.read_rest() for each in idle))
    refused = [each for each in answers if each.startswith(b"HTTP/1.1 503 ")]
    # On a slow machine, the first ones are closed while others still connect.
    assert 0 < len(refused) <= IDLE - ADDRESS_CONNECTIONS
    assert answers.count(b"") == IDLE - len(refused)  # closed after `head_seconds`
    expected = {
        "interlock_http_connections": 1,
        "interlock_http_connections_evicted_total": 0,
        "interlock_http_connections_refused_total": len(refused),
    }
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            if await metrics(attacked) == expected:
                break
    [warning] = [line for line in attacked.log if line["event"] == TOO_FEW_DESCRIPTORS]
    assert (warning["descriptors"], warning["connections"]) == (DESCRIPTORS, CONNECTIONS)
    assert failures(attacked) == []


async def metrics(attacked: Replica) -> dict[str, float]:
    """Return the metrics of connections."""
    async with aiohttp.ClientSession() as client, client.get(f"{attacked.url}/metrics") as response:
        families = text_string_to_metric_families(await response.text())
    return {
        sample.name: sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("interlock_http_connections") and "created" not in sample.name
    }


BOMB: Final = gzip.compress(bytes(2**28))
HANDSHAKE: Final = (
    *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    *("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", f"Sec-WebSocket-Protocol: {PRIVATE_TEXT}"),
)

REQUESTS: Final = {
    "a compressed body to a probe": (post("/livez", BOMB, "Content-Encoding: gzip"), 415),
    "a compressed body to nothing": (post("/nothing", BOMB, "Content-Encoding: gzip"), 415),
    "a compressed body of a user": (
        post("/graphql", BOMB, TOKEN, JSON, "Content-Encoding: gzip"),
        415,
    ),
    "a path of slashes": (head(f"GET {'/' * 16_000}"), 431),
    "HTTP/0.9": (b"GET /livez\r\n\r\n", 400),
    "no HTTP": (f"\x16\x03{PRIVATE_TEXT}\r\n\r\n".encode(), 400),
    "half a head": (head("GET /livez")[:-1], 408),
    "half a body of a stranger": (post("/graphql", QUERY, JSON)[:-1], 401),
    "half a body of a user": (post("/graphql", QUERY, TOKEN, JSON)[:-1], 408),
    "a malformed chunk": (
        head("POST /graphql", TOKEN, JSON, "Transfer-Encoding: chunked") + b"1\r\n{\r\nx",
        400,
    ),
    "an unknown subprotocol": (head("GET /graphql/ws", *HANDSHAKE), 101),
}
"""Requests, and the status of the response."""


async def test_no_request_is_an_error_in_the_log(attacked: Replica) -> None:
    for name, (request, status) in REQUESTS.items():
        async with raw_connection(attacked.url) as connection:
            await connection.send(request)
            assert (await connection.read_response()).status == status, name
    assert await is_served(attacked)
    assert failures(attacked) == []
    assert PRIVATE_TEXT not in json.dumps(attacked.log)


async def test_a_client_that_leaves_is_no_error_in_the_log(attacked: Replica) -> None:
    for path in ("/graphql", "/graphql/stream", "/api/v1/tickets"):
        async with raw_connection(attacked.url) as connection:
            await connection.send(post(path, QUERY, TOKEN, JSON)[:-1])
        await attacked.wait_until_logged("request", path=path, status=499)
    assert await is_served(attacked)
    assert failures(attacked) == []
