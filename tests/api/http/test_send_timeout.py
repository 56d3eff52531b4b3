"""A client that does not read is disconnected, whatever the response is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web
from pydantic import SecretStr
from structlog.testing import capture_logs

from api.auth.tokens import TokenIssuer
from api.http.access import ProtectedRoute, allow_anyone
from api.http.application import AccessControl, build_application
from api.http.server import ServerOptions, listening
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.stalled_client import stalled_client

BODY_BYTES = 32 * 1024 * 1024
"""More than all buffers between a server and a client."""
ENDED = asyncio.Queue[BaseException | None]


async def send_at_once(_request: web.Request, _ended: ENDED) -> web.StreamResponse:
    return web.Response(body=bytes(BODY_BYTES))


async def send_in_parts(request: web.Request, ended: ENDED) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        for _ in range(BODY_BYTES // 65_536):
            await response.write(bytes(65_536))
    except ConnectionError as error:
        ended.put_nowait(error)
        raise
    ended.put_nowait(None)
    return response


async def send_into_buffer(request: web.Request, _ended: ENDED) -> web.StreamResponse:
    """Return a response that waits in the buffer when the server closes the connection."""
    assert request.transport is not None
    request.transport.set_write_buffer_limits(high=2 * BODY_BYTES)
    return web.Response(body=bytes(BODY_BYTES))


HANDLERS = {"at once": send_at_once, "in parts": send_in_parts, "before closing": send_into_buffer}


@asynccontextmanager
async def connected(
    handler: str, send_seconds: float, ended: ENDED
) -> AsyncIterator[asyncio.StreamReader]:
    """Serve, and yield the response that a client does not read."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await HANDLERS[handler](request, ended)

    access_control = AccessControl(TokenIssuer(SecretStr("0123456789abcdef" * 2)))
    route = ProtectedRoute(allow_anyone, web.get("/", answer))
    application = build_application([route], access_control)
    async with (
        listening(application, ServerOptions(send_seconds=send_seconds)) as url,
        stalled_client(url, "/", {}) as client,
    ):
        yield client


async def read_to_the_end(client: asyncio.StreamReader) -> int:
    """Return the number of bytes that the client receives."""
    received = 0
    with suppress(ConnectionResetError):
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while part := await client.read(1_000_000):
                received += len(part)
    return received


@pytest.mark.parametrize("handler", HANDLERS)
async def test_a_client_that_does_not_read_is_disconnected(handler: str) -> None:
    ended = ENDED()
    with capture_logs() as lines:
        async with connected(handler, 0.1, ended) as client, asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                if "client does not read" in [line["event"] for line in lines]:
                    break
                await asyncio.sleep(0.01)
            assert await read_to_the_end(client) < BODY_BYTES
            if handler == "in parts":
                assert isinstance(await ended.get(), ConnectionError)
    assert all(line["log_level"] == "info" for line in lines)


async def test_a_client_that_reads_a_large_response_slowly_gets_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.limits.RECEIVED_BYTES_MIN", 0)
    async with connected("at once", 0.01, ENDED()) as client:
        await asyncio.sleep(0.1)  # several checks
        assert await read_to_the_end(client) > BODY_BYTES


@pytest.mark.parametrize("handler", HANDLERS)
async def test_a_client_that_reads_gets_everything(handler: str) -> None:
    async with connected(handler, TIMEOUT_SECONDS, ENDED()) as client:
        assert await read_to_the_end(client) > BODY_BYTES
