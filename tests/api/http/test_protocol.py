"""Requests that aiohttp refuses before any middleware get a problem document, too."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from pydantic import SecretStr
from structlog.testing import capture_logs

from api.auth.tokens import TokenIssuer
from api.http.application import AccessControl, build_application
from api.http.server import listening
from api.limits import HEAD_FIELD_BYTES, TOKEN_CHARACTERS

PRIVATE_TEXT: Final = "hunter2"
PADDING: Final = PRIVATE_TEXT * HEAD_FIELD_BYTES


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A response, parsed from its bytes."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> Any:  # noqa: ANN401  # read by the tests
        return json.loads(self.body)


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=request.rel_url.query.get("q", ""))

    guards = AccessControl(TokenIssuer(SecretStr("0123456789abcdef" * 2)))
    application = build_application([web.get("/", answer)], guards)
    async with listening(application, "127.0.0.1", 0) as url:
        yield url


async def send(url: str, request: bytes) -> RawResponse:
    """Send bytes, and read until the server closes the connection."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(request)
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    line, *fields = head.decode().split("\r\n")
    headers = dict(field.split(": ", 1) for field in fields)
    return RawResponse(int(line.split()[1]), headers, body)


def get(target: str = "/", *headers: str) -> bytes:
    lines = (f"GET {target} HTTP/1.1", "Host: interlock", "Connection: close", *headers, "", "")
    return "\r\n".join(lines).encode()


REQUESTS: Final = {
    "a header with NUL": (
        get("/", f"Authorization: Bearer {PRIVATE_TEXT}\0"),
        400,
        "malformed_http",
    ),
    "a header without a name": (get("/", f": {PRIVATE_TEXT}"), 400, "malformed_http"),
    "another protocol": (f"GET / {PRIVATE_TEXT}/1.1\r\n\r\n".encode(), 400, "malformed_http"),
    "TLS": (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + PRIVATE_TEXT.encode(),
        400,
        "malformed_http",
    ),
    "two lengths": (
        get("/", "Content-Length: 1", f"Content-Length: 2{PRIVATE_TEXT}"),
        400,
        "malformed_http",
    ),
    "a header that is too long": (get("/", f"Cookie: {PADDING}"), 431, "head_too_large"),
    "an address that is too long": (get(f"/?q={PADDING}"), 431, "head_too_large"),
}


@pytest.mark.parametrize(("request_bytes", "status", "code"), REQUESTS.values(), ids=REQUESTS)
async def test_malformed_http_gets_a_problem_document_that_quotes_nothing(
    request_bytes: bytes, status: int, code: str
) -> None:
    with capture_logs() as lines:
        async with served() as url:
            response = await send(url, request_bytes)
    assert (response.status, response.problem["status"], response.problem["code"]) == (
        status,
        status,
        code,
    )
    assert response.headers["Content-Type"].startswith("application/problem+json")
    assert response.headers["Server"] == "interlock"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Request-ID"] == response.problem["requestId"]
    assert PRIVATE_TEXT not in response.body.decode() + json.dumps(lines)
    [line] = [each for each in lines if each["event"] == "malformed request"]
    assert (line["problem"], line["log_level"]) == (code, "info")


async def test_a_header_can_be_as_long_as_the_limit() -> None:
    async with served() as url:
        token = "a" * (HEAD_FIELD_BYTES - len("Bearer "))
        response = await send(url, get("/", f"Authorization: Bearer {token}"))
        assert (response.status, response.problem["reason"]) == (401, "too_large")
        assert HEAD_FIELD_BYTES > 2 * TOKEN_CHARACTERS


async def test_an_error_outside_all_middlewares_is_internal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError(PRIVATE_TEXT)

    async with served() as url:
        monkeypatch.setattr(web.UrlDispatcher, "resolve", fail)
        with capture_logs() as lines:
            response = await send(url, get())
    assert (response.status, response.problem["code"]) == (500, "internal")
    assert response.headers["Server"] == "interlock"
    assert response.problem["requestId"] in response.problem["detail"]
    assert PRIVATE_TEXT not in response.body.decode()
    assert [each["log_level"] for each in lines if each["event"] == "request failed"] == ["error"]
