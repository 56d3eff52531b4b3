"""Clients that keep the server waiting: for a head, a body, or the next request.

A test that needs time to pass waits until the server closes another, idle connection.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from api.http.access import ProtectedRoute, allow_anyone
from api.http.app_keys import CONNECTIONS
from api.http.application import AccessControl, build_application
from api.http.body import read_body
from api.http.connections import Connections
from api.http.server import ServerOptions, listening
from api.limits import HEAD_BYTES, ConnectionLimits
from tests.support.api_client import TOKENS
from tests.support.raw_http import RawConnection, chunked, head, post, raw_connection

SOON: Final = 0.1


@dataclass(frozen=True, slots=True)
class SlowServer:
    """A server with short limits; `release` lets the handler at /wait answer."""

    url: str
    connections: Connections
    release: asyncio.Event

    async def pass_time(self) -> None:
        """Wait until the server closes an idle connection."""
        async with raw_connection(self.url) as idle:
            await idle.send(head("GET /echo"))
            await idle.read_rest()


@asynccontextmanager
async def serving(limits: ConnectionLimits) -> AsyncIterator[SlowServer]:
    release = asyncio.Event()

    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await read_body(request))

    async def wait(_request: web.Request) -> web.Response:
        await release.wait()
        return web.Response(text="released")

    async def socket(request: web.Request) -> web.WebSocketResponse:
        opened = web.WebSocketResponse()
        await opened.prepare(request)
        async for message in opened:
            await opened.send_str(message.data)
        return opened

    routes = {"/echo": echo, "/wait": wait, "/socket": socket}
    application = build_application(
        [ProtectedRoute(allow_anyone, web.route("*", *each)) for each in routes.items()],
        AccessControl(TOKENS, connection_limits=limits),
    )
    async with listening(application, ServerOptions()) as url:
        yield SlowServer(url, application[CONNECTIONS], release)


@asynccontextmanager
async def dripping(connection: RawConnection, part: bytes) -> AsyncIterator[None]:
    """Send a part again and again during the block."""

    async def drip() -> None:
        while True:
            await connection.send(part)
            await asyncio.sleep(SOON / 10)

    task = asyncio.create_task(drip())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await task


HEADS: Final = {
    "a byte": b"G",
    "an empty line": b"\r\n",
    "a part of a header": b"GET /echo HTTP/1.1\r\nHost: a\r\nX",
    "all but the end": head("GET /echo")[:-1],
}


@pytest.mark.parametrize("sent", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("requests", [0, 2])
async def test_a_head_that_does_not_arrive_is_refused(sent: bytes, requests: int) -> None:
    async with (
        serving(ConnectionLimits(head_seconds=SOON)) as server,
        raw_connection(server.url) as connection,
    ):
        for _ in range(requests):
            await connection.send(head("GET /echo"))
            assert (await connection.read_response()).status == 200
        await connection.send(sent)
        response = await connection.read_response()
        assert (response.status, response.problem["code"]) == (408, "request_timeout")
        assert (response.problem["limit"], response.problem["bound"]) == ("head_seconds", SOON)
        assert await connection.read_rest() == b""


async def test_more_bytes_do_not_prolong_the_time_for_a_head() -> None:
    async with (
        serving(ConnectionLimits(head_seconds=SOON)) as server,
        raw_connection(server.url) as connection,
    ):
        await connection.send(head("GET /echo")[:-2])
        async with dripping(connection, b"X: 1\r\n"):
            assert (await connection.read_response()).status == 408


async def test_a_connection_without_a_request_is_closed() -> None:
    async with (
        serving(ConnectionLimits(head_seconds=SOON)) as server,
        raw_connection(server.url) as connection,
    ):
        assert await connection.read_rest() == b""


async def test_a_connection_without_a_next_request_is_closed() -> None:
    async with (
        serving(ConnectionLimits(idle_seconds=SOON)) as server,
        raw_connection(server.url) as connection,
    ):
        await connection.send(head("GET /echo"))
        assert (await connection.read_response()).status == 200
        assert await connection.read_rest() == b""


async def test_a_connection_is_not_idle_while_a_request_arrives() -> None:
    async with (
        serving(ConnectionLimits(idle_seconds=SOON)) as server,
        raw_connection(server.url) as connection,
    ):
        request = head("GET /echo")
        await connection.send(request)
        assert (await connection.read_response()).status == 200
        await connection.send(request[:1])
        await server.pass_time()
        await connection.send(request[1:])
        assert (await connection.read_response()).status == 200


async def test_the_limits_do_not_apply_while_a_handler_works() -> None:
    limits = ConnectionLimits(head_seconds=SOON, body_seconds=SOON, idle_seconds=SOON)
    async with serving(limits) as server, raw_connection(server.url) as connection:
        await connection.send(head("GET /wait"))
        await server.pass_time()
        server.release.set()
        assert (await connection.read_response()).status == 200


async def test_the_limits_do_not_apply_to_a_websocket() -> None:
    limits = ConnectionLimits(head_seconds=SOON, idle_seconds=SOON)
    async with (
        serving(limits) as server,
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{server.url}/socket") as socket,
    ):
        await server.pass_time()
        assert server.connections.count == 1
        await socket.send_str("still here")
        assert await socket.receive_str() == "still here"


async def test_half_a_head_behind_a_request_is_closed() -> None:
    limits = ConnectionLimits(head_seconds=SOON, idle_seconds=SOON)
    async with serving(limits) as server, raw_connection(server.url) as connection:
        await connection.send(head("GET /echo") + b"GET")
        assert (await connection.read_response()).status == 200
        assert await connection.read_rest() == b""


async def test_an_endless_head_is_refused() -> None:
    async with (
        serving(ConnectionLimits()) as server,
        raw_connection(server.url) as connection,
    ):
        with suppress(ConnectionError):
            for _ in range(5 * HEAD_BYTES // 10_000):
                await connection.send(b"\r\n" * 5_000)
        assert (await connection.read_response()).status == 431


BODIES: Final = {
    "with a length": ("Content-Length: 100000", b"x"),
    "in chunks": ("Transfer-Encoding: chunked", b"1\r\nx\r\n"),
    "no byte": ("Content-Length: 1", b""),
}


@pytest.mark.parametrize(("field", "part"), BODIES.values(), ids=BODIES)
async def test_a_body_that_does_not_arrive_is_refused(field: str, part: bytes) -> None:
    async with (
        serving(ConnectionLimits(body_seconds=SOON)) as server,
        raw_connection(server.url) as connection,
    ):
        await connection.send(head("POST /echo", field))
        async with dripping(connection, part):
            response = await connection.read_response()
        assert (response.status, response.problem["limit"]) == (408, "body_seconds")
        assert response.headers["Connection"] == "close"
        assert await connection.read_rest() == b""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def patient_url() -> AsyncIterator[str]:
    async with serving(ConnectionLimits()) as server:
        yield server.url


BODY: Final = b"x" * 100
REQUESTS: Final = st.lists(
    st.sampled_from(
        [
            head("GET /echo"),
            post("/echo", BODY),
            head("POST /echo", "Transfer-Encoding: chunked") + chunked([BODY[:1], BODY[1:]]),
        ]
    ),
    min_size=1,
    max_size=3,
)


@given(REQUESTS, st.sets(st.integers(1, 800), max_size=30))
async def test_requests_can_arrive_in_any_parts(
    patient_url: str, requests: list[bytes], cuts: set[int]
) -> None:
    stream = b"".join(requests)
    ends = [*sorted(each for each in cuts if each < len(stream)), len(stream)]
    parts = [stream[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    async with raw_connection(patient_url) as connection:
        await connection.send(*parts)
        for request in requests:
            response = await connection.read_response()
            expected = b"" if request.startswith(b"GET") else BODY
            assert (response.status, response.body) == (200, expected)
            assert "Connection" not in response.headers
