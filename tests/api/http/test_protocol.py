"""What reaches no middleware: it is refused in our own words, like anything else."""

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

from api.auth import TokenIssuer
from api.http.application import AccessControl, build_application
from api.http.server import listening
from api.limits import HEAD_FIELD_BYTES, TOKEN_CHARACTERS

WORD: Final = "hunter2"
PADDING: Final = WORD * HEAD_FIELD_BYTES


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, read from its bytes."""

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


async def told(url: str, sent: bytes) -> Said:
    """Send bytes, and read what is answered until the server closes the connection."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(sent)
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    line, *fields = head.decode().split("\r\n")
    headers = dict(field.split(": ", 1) for field in fields)
    return Said(int(line.split()[1]), headers, body)


def get(target: str = "/", *headers: str) -> bytes:
    lines = (f"GET {target} HTTP/1.1", "Host: interlock", "Connection: close", *headers, "", "")
    return "\r\n".join(lines).encode()


REFUSED: Final = {
    "a header with NUL": (get("/", f"Authorization: Bearer {WORD}\0"), 400, "malformed_http"),
    "a header without a name": (get("/", f": {WORD}"), 400, "malformed_http"),
    "no version of HTTP": (f"GET / {WORD}/1.1\r\n\r\n".encode(), 400, "malformed_http"),
    "TLS": (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + WORD.encode(),
        400,
        "malformed_http",
    ),
    "two lengths": (
        get("/", "Content-Length: 1", f"Content-Length: 2{WORD}"),
        400,
        "malformed_http",
    ),
    "a header that is too long": (get("/", f"Cookie: {PADDING}"), 431, "head_too_large"),
    "an address that is too long": (get(f"/?q={PADDING}"), 431, "head_too_large"),
}


@pytest.mark.parametrize(("sent", "status", "code"), REFUSED.values(), ids=REFUSED)
async def test_what_is_no_http_is_told_by_a_problem_that_quotes_nothing(
    sent: bytes, status: int, code: str
) -> None:
    with capture_logs() as lines:
        async with served() as url:
            said = await told(url, sent)
    assert (said.status, said.problem["status"], said.problem["code"]) == (status, status, code)
    assert said.headers["Content-Type"].startswith("application/problem+json")
    assert said.headers["Server"] == "interlock"
    assert said.headers["X-Content-Type-Options"] == "nosniff"
    assert said.headers["X-Request-ID"] == said.problem["requestId"]
    assert WORD not in said.body.decode() + json.dumps(lines)
    [line] = [each for each in lines if each["event"] == "malformed request"]
    assert (line["problem"], line["log_level"]) == (code, "info")


async def test_a_head_may_be_as_long_as_is_told() -> None:
    async with served() as url:
        token = "a" * (HEAD_FIELD_BYTES - len("Bearer "))
        said = await told(url, get("/", f"Authorization: Bearer {token}"))
        assert (said.status, said.problem["reason"]) == (401, "too_large")
        assert HEAD_FIELD_BYTES > 2 * TOKEN_CHARACTERS


async def test_what_fails_around_everything_is_told_as_a_fault_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError(WORD)

    async with served() as url:
        monkeypatch.setattr(web.UrlDispatcher, "resolve", fail)
        with capture_logs() as lines:
            said = await told(url, get())
    assert (said.status, said.problem["code"]) == (500, "internal")
    assert said.headers["Server"] == "interlock"
    assert said.problem["requestId"] in said.problem["detail"]
    assert WORD not in said.body.decode()
    assert [each["log_level"] for each in lines if each["event"] == "request failed"] == ["error"]
