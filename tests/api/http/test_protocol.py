"""Requests that are refused before they are routed get a problem document, too."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from structlog.testing import capture_logs

from api.auth.tokens import TokenIssuer
from api.http.app_keys import METRICS
from api.http.application import AccessControl, build_application
from api.http.server import ServerOptions, listening
from api.limits import (
    HEAD_BYTES,
    HEAD_FIELD_BYTES,
    HEAD_FIELDS,
    PATH_CHARACTERS,
    TOKEN_CHARACTERS,
)
from tests.support.raw_http import chunked, exchange, head

TOKENS: Final = TokenIssuer(SecretStr("0123456789abcdef" * 2))
PRIVATE_TEXT: Final = "hunter2"
PADDING: Final = PRIVATE_TEXT * HEAD_FIELD_BYTES


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=request.rel_url.query.get("q", ""))

    application = build_application([web.get("/", answer)], AccessControl(TOKENS))
    async with listening(application, ServerOptions()) as url:
        yield url


def get(target: str = "/", *fields: str) -> bytes:
    return head(f"GET {target}", "Connection: close", *fields)


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
    "a path that is too long": (get("/" * (PATH_CHARACTERS + 1)), 431, "head_too_large"),
    "too many headers": (get("/", *["X: 1"] * (HEAD_FIELDS - 1)), 431, "head_too_large"),
    "headers that are too long": (
        get("/", *[f"X: {'a' * 16_000}"] * (HEAD_BYTES // 16_000 + 1)),
        431,
        "head_too_large",
    ),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400, "malformed_http"),
    "HTTP/0.9 with its version": (b"GET / HTTP/0.9\r\n\r\n", 400, "malformed_http"),
    "HTTP/1.2": (head("GET /", version="HTTP/1.2"), 400, "malformed_http"),
    "HTTP/2": (head("GET /", version="HTTP/2.0"), 400, "malformed_http"),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "malformed_http"),
    "an encoded chunked body": (
        head("POST /", "Transfer-Encoding: gzip, chunked") + chunked([b"x"]),
        501,
        "unsupported_transfer_coding",
    ),
    "an encoded body without length": (
        head("POST /", "Transfer-Encoding: gzip"),
        400,
        "malformed_http",
    ),
    "a body that is chunked twice": (
        head("POST /", "Transfer-Encoding: chunked, chunked") + chunked([b"x"]),
        400,
        "malformed_http",
    ),
    "two transfer codings": (
        head("POST /", *["Transfer-Encoding: chunked"] * 2) + chunked([b"x"]),
        400,
        "malformed_http",
    ),
    "a length and chunks": (
        head("POST /", "Transfer-Encoding: chunked", "Content-Length: 1") + chunked([b"x"]),
        400,
        "malformed_http",
    ),
    "chunks in HTTP/1.0": (
        head("POST /", "Transfer-Encoding: chunked", version="HTTP/1.0") + chunked([b"x"]),
        400,
        "malformed_http",
    ),
}


@pytest.mark.parametrize(("request_bytes", "status", "code"), REQUESTS.values(), ids=REQUESTS)
async def test_malformed_http_gets_a_problem_document_that_quotes_nothing(
    request_bytes: bytes, status: int, code: str
) -> None:
    with capture_logs() as lines:
        async with served() as url:
            response = await exchange(url, request_bytes)
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


async def test_requests_that_are_refused_before_they_are_routed_are_counted() -> None:
    application = build_application([], AccessControl(TOKENS))
    expected = Counter({("unmatched", "417"): 1})
    async with listening(application, ServerOptions()) as url:
        for request_bytes, status, _ in REQUESTS.values():
            await exchange(url, request_bytes)
            expected["unmatched", str(status)] += 1
        await exchange(url, get("/", "Expect: tea"))
    exposition = application[METRICS].exposition().decode()
    counted = Counter[tuple[str, str]]()
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            if sample.name == "interlock_http_requests_total":
                counted[sample.labels["route"], sample.labels["status"]] += int(sample.value)
    assert counted == expected


async def test_a_header_can_be_as_long_as_the_limit() -> None:
    async with served() as url:
        token = "a" * (HEAD_FIELD_BYTES - len("Bearer "))
        response = await exchange(url, get("/", f"Authorization: Bearer {token}"))
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
            response = await exchange(url, get())
    assert (response.status, response.problem["code"]) == (500, "internal")
    assert response.headers["Server"] == "interlock"
    assert response.problem["requestId"] in response.problem["detail"]
    assert PRIVATE_TEXT not in response.body.decode()
    assert [each["log_level"] for each in lines if each["event"] == "request failed"] == ["error"]
