"""What a client can make the server read: nothing before authentication, and little after it."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.http_parser import DeflateBuffer
from structlog.testing import capture_logs

from api.http.access import ProtectedRoute, allow_anyone
from api.http.application import AccessControl, build_application
from api.http.body import read_body, read_json
from api.http.server import ServerOptions, listening
from api.limits import DISCARDED_BYTES, HTTP_LIMITS
from api.rest.health import probe_routes
from tests.support.api_client import TOKENS, bearer
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.personas import ANNA
from tests.support.raw_http import RawConnection, chunked, exchange, head, post, raw_connection
from tests.support.server_process import ready

TOKEN = f"Authorization: {bearer(ANNA)['Authorization']}"
JSON = "Content-Type: application/json"
CLOSE = "Connection: close"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
BOMB = gzip.compress(bytes(2**22))
PATHS = ["/livez", "/readyz", "/metrics", "/echo", "/public", "/nowhere", "/graphql"]


async def echo(request: web.Request) -> web.Response:
    return web.json_response(await read_json(request))


async def public(request: web.Request) -> web.Response:
    return web.Response(body=await read_body(request))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def url() -> AsyncIterator[str]:
    routes = [web.post("/echo", echo), ProtectedRoute(allow_anyone, web.post("/public", public))]
    application = build_application([*routes, *probe_routes(ready)], AccessControl(TOKENS))
    async with listening(application, ServerOptions()) as url:
        yield url


@pytest.fixture(autouse=True)
def discard_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test pass only because the time for discarding has passed."""
    monkeypatch.setattr("api.limits.DISCARDING_SECONDS", 3_600)


async def test_a_request_with_a_body_is_answered(url: str) -> None:
    response = await exchange(url, post("/echo", b"[1]", TOKEN, JSON, CLOSE))
    assert (response.status, response.body) == (200, b"[1]")


ENCODINGS = ["gzip", "GZIP", "deflate", "br", "zstd", "x-gzip", "identity, gzip", "gzip, identity"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_encoded_body_is_refused_on_every_path(url: str, method: str, path: str) -> None:
    fields = [TOKEN, JSON, "Content-Encoding: gzip", f"Content-Length: {len(BOMB)}", CLOSE]
    response = await exchange(url, head(f"{method} {path}", *fields) + BOMB)
    assert (response.status, response.problem["code"]) == (415, "unsupported_content_encoding")
    assert response.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_no_encoding_is_decoded(
    url: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def inflate(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(DeflateBuffer, "__init__", inflate)
    request = post("/public", BOMB, f"Content-Encoding: {encoding}", CLOSE)
    assert (await exchange(url, request)).status == 415


async def test_repeated_encodings_are_one_list(url: str) -> None:
    fields = ["Content-Encoding: identity", "Content-Encoding: gzip", CLOSE]
    response = await exchange(url, post("/public", BOMB, *fields))
    assert response.problem["contentEncoding"] == "identity, gzip"


async def test_the_encoding_identity_is_accepted(url: str) -> None:
    response = await exchange(url, post("/public", b"text", "Content-Encoding: Identity", CLOSE))
    assert (response.status, response.body) == (200, b"text")


REFUSALS = {
    "no token": ("/echo", [JSON], 401),
    "a wrong token": ("/echo", [JSON, "Authorization: Bearer x"], 401),
    "an unknown path": ("/nowhere", [], 404),
    "an unsupported method": ("/livez", [], 405),
    "a body that is too large": ("/public", [], 413),
    "a wrong media type": ("/echo", [TOKEN], 415),
    "an encoding": ("/echo", [TOKEN, "Content-Encoding: gzip"], 415),
}


@pytest.mark.parametrize(("path", "fields", "status"), REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal_with_an_unread_body_closes_the_connection(
    url: str, path: str, fields: list[str], status: int
) -> None:
    length = HTTP_LIMITS.body_bytes + 1
    async with raw_connection(url) as connection:
        await connection.send(head(f"POST {path}", f"Content-Length: {length}", *fields), b"[")
        response = await connection.read_response()
        assert (response.status, response.headers["Connection"]) == (status, "close")
        assert await connection.read_rest() == b""


async def test_a_client_that_still_sends_its_body_receives_the_response(url: str) -> None:
    async with raw_connection(url) as connection:
        await connection.send(post("/nowhere", bytes(DISCARDED_BYTES)))
        assert (await connection.read_response()).status == 404


async def test_the_server_does_not_read_an_endless_body(url: str) -> None:
    async with raw_connection(url) as connection:
        await connection.send(head("POST /nowhere", f"Content-Length: {2**40}"))
        assert (await connection.read_response()).status == 404
        await send_until_disconnected(connection)


async def send_until_disconnected(connection: RawConnection) -> None:
    with suppress(ConnectionError):
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                await connection.send(bytes(2**16))


async def test_a_client_that_does_not_close_is_disconnected(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.limits.DISCARDING_SECONDS", 0.01)
    async with raw_connection(url) as connection:
        await connection.send(head("POST /nowhere", "Content-Length: 9"))
        assert (await connection.read_response()).status == 404
        assert await connection.read_rest() == b""
        await send_until_disconnected(connection)


async def test_a_connection_stays_open_if_the_body_arrived(url: str) -> None:
    async with raw_connection(url) as connection:
        for path, status in (("/nowhere", 404), ("/echo", 401), ("/public", 200)):
            await connection.send(post(path, b"[]"))
            response = await connection.read_response()
            assert (response.status, response.headers.get("Connection")) == (status, None)


class TestExpectations:
    """`Expect: 100-continue`: the client waits before it sends the body."""

    EXPECT = "Expect: 100-Continue"

    @pytest.mark.parametrize(("path", "fields", "status"), REFUSALS.values(), ids=REFUSALS)
    async def test_a_refused_client_is_not_asked_for_the_body(
        self, url: str, path: str, fields: list[str], status: int
    ) -> None:
        length = f"Content-Length: {HTTP_LIMITS.body_bytes + 1}"
        response = await exchange(url, head(f"POST {path}", length, self.EXPECT, *fields))
        assert (response.status, response.headers["Connection"]) == (status, "close")

    async def test_an_accepted_client_is_asked_for_the_body(self, url: str) -> None:
        async with raw_connection(url) as connection:
            fields = [TOKEN, JSON, "Content-Length: 2", self.EXPECT]
            await connection.send(head("POST /echo", *fields))
            assert await connection.reader.readexactly(len(CONTINUE)) == CONTINUE
            await connection.send(b"[]")
            assert (await connection.read_response()).status == 200

    async def test_a_client_that_sends_the_body_at_once_is_not_asked_for_it(self, url: str) -> None:
        request = post("/echo", b"[]", TOKEN, JSON, self.EXPECT, CLOSE)
        assert (await exchange(url, request)).status == 200

    async def test_a_client_of_http_1_0_is_not_asked_for_the_body(self, url: str) -> None:
        fields = [TOKEN, JSON, "Content-Length: 2", self.EXPECT]
        async with raw_connection(url) as connection:
            await connection.send(head("POST /echo", *fields, version="HTTP/1.0"), b"[]")
            assert (await connection.read_response()).status == 200


LEAVES = {
    "with a length": (["Content-Length: 100"], b'{"title": '),
    "in chunks": (["Transfer-Encoding: chunked"], chunked([b"["])[:-5]),
    "between chunks": (["Transfer-Encoding: chunked"], b"5\r\n"),
}


@pytest.mark.parametrize(("fields", "part"), LEAVES.values(), ids=LEAVES)
@pytest.mark.parametrize("path", ["/echo", "/public"])
async def test_a_client_that_leaves_in_mid_body_is_no_error(
    path: str, fields: list[str], part: bytes
) -> None:
    with capture_logs() as lines:
        application = build_application(
            [web.post("/echo", echo), ProtectedRoute(allow_anyone, web.post("/public", public))],
            AccessControl(TOKENS),
        )
        async with (
            listening(application, ServerOptions()) as url,
            raw_connection(url) as connection,
        ):
            await connection.send(head(f"POST {path}", TOKEN, JSON, *fields), part)
    [line] = lines
    assert (line["event"], line["status"], line["log_level"]) == ("request", 499, "info")


async def test_a_malformed_chunk_is_answered(url: str) -> None:
    fields = [TOKEN, JSON, "Transfer-Encoding: chunked"]
    async with raw_connection(url) as connection:
        await connection.send(head("POST /echo", *fields), b"1\r\n[\r\n", b"x\r\n")
        assert (await connection.read_response()).status == 400
        assert await connection.read_rest() == b""
