"""Every error under `/api/v1` is a problem document."""

import asyncio
import json
from typing import Any

import pytest

from api.limits import HTTP_LIMITS
from tests.support.api_client import KEY, Client, SharedApplication, bearer
from tests.support.personas import ANNA

TICKETS = "/api/v1/tickets"
REPORT = "/api/v1/health/report"
IMPORT = "/api/v1/templates/import"
JSON = {"Content-Type": "application/json"}
YAML = {"Content-Type": "application/yaml"}


@pytest.fixture
def client(shared: SharedApplication) -> Client:
    return shared.client


Row = tuple[str, dict[str, str], bytes, int, str]

REQUESTS: dict[str, Row] = {
    "an unknown path": ("GET /api/v1/nothing", {}, b"", 404, "not_found"),
    "a path with a trailing slash": (f"POST {TICKETS}/", JSON, b"{}", 404, "not_found"),
    "a path that is not UTF-8": (f"GET {TICKETS}/%ff", {}, b"", 404, "not_found"),
    "a path with a broken escape": (f"GET {TICKETS}/%zz", {}, b"", 404, "not_found"),
    "a path with a NUL": (f"GET {TICKETS}/%00", {}, b"", 404, "not_found"),
    "a path with dots": ("GET /api/v1/%2e%2e/x", {}, b"", 404, "not_found"),
    "an unsupported method": (f"PUT {TICKETS}", {}, b"", 405, "method_not_allowed"),
    "an unknown method": (f"PROPFIND {TICKETS}", {}, b"", 405, "method_not_allowed"),
    "OPTIONS": (f"OPTIONS {TICKETS}", {}, b"", 405, "method_not_allowed"),
    "an unknown expectation": (
        f"POST {TICKETS}",
        JSON | {"Expect": "tea"},
        b"{}",
        417,
        "expectation_failed",
    ),
    "an unknown expectation for an unknown path": (
        "GET /api/v1/nothing",
        {"Expect": "tea"},
        b"",
        417,
        "expectation_failed",
    ),
    "no media type": (f"POST {TICKETS}", {}, b"{}", 415, "unsupported_media_type"),
    "a wrong media type": (
        f"POST {TICKETS}",
        {"Content-Type": "text/plain"},
        b"{}",
        415,
        "unsupported_media_type",
    ),
    "a malformed media type": (
        f"POST {TICKETS}",
        {"Content-Type": ";;"},
        b"{}",
        415,
        "unsupported_media_type",
    ),
    "JSON for YAML": (f"POST {IMPORT}", JSON, b"{}", 415, "unsupported_media_type"),
    "no body": (f"POST {TICKETS}", JSON, b"", 400, "invalid_input"),
    "malformed JSON": (f"POST {TICKETS}", JSON, b'{"title": ', 400, "invalid_input"),
    "JSON that is not an object": (f"POST {TICKETS}", JSON, b"null", 400, "invalid_input"),
    "JSON that is not UTF-8": (f"POST {TICKETS}", JSON, b'{"title": "\xff"}', 400, "invalid_input"),
    "half a surrogate pair": (
        f"POST {TICKETS}",
        JSON,
        rb'{"title": "\ud800"}',
        400,
        "invalid_input",
    ),
    "NaN": (f"POST {REPORT}", JSON, b'{"path": NaN}', 400, "invalid_input"),
    "deep JSON": (f"POST {REPORT}", JSON, b"[" * 100_000, 400, "invalid_input"),
    "YAML that is not UTF-8": (f"POST {IMPORT}", YAML, b"ticketing: \xff", 400, "invalid_input"),
    "malformed YAML": (f"POST {IMPORT}", YAML, b"{", 400, "invalid_declaration"),
    "a body that is too large": (
        f"POST {TICKETS}",
        JSON,
        b" " * (HTTP_LIMITS.body_bytes + 1),
        413,
        "body_too_large",
    ),
    "an encoded body": (
        f"POST {TICKETS}",
        JSON | {"Content-Encoding": "gzip"},
        b"{}",
        415,
        "unsupported_content_encoding",
    ),
    "a malformed token": (
        f"POST {TICKETS}",
        JSON | {"Authorization": "x"},
        b"{}",
        401,
        "unauthenticated",
    ),
    "an unknown key": (f"POST {REPORT}", JSON | {"X-API-Key": "x"}, b"{}", 401, "unauthenticated"),
}


@pytest.mark.parametrize(
    ("target", "headers", "body", "status", "code"), REQUESTS.values(), ids=REQUESTS
)
async def test_every_error_is_a_problem_document(
    target: str, headers: dict[str, str], body: bytes, status: int, code: str, client: Client
) -> None:
    sent = bearer(ANNA) | {"X-API-Key": KEY} | headers
    answered, received, document = await exchange(client, target, sent, body)
    assert (answered, document["code"], document["status"]) == (status, code, status)
    assert received["content-type"] == "application/problem+json"
    assert received["x-content-type-options"] == "nosniff"
    assert document["requestId"] == received["x-request-id"]
    assert document["type"] == f"urn:interlock:problem:{code}"
    assert document["instance"] == target.split()[1]
    assert ("allow" in received) is (status == 405)


async def exchange(
    client: Client, target: str, headers: dict[str, str], body: bytes
) -> tuple[int, dict[str, str], Any]:
    """Send a request that an HTTP client would refuse to send; return the response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    required = {"Host": "interlock", "Connection": "close", "Content-Length": str(len(body))}
    lines = [
        f"{target} HTTP/1.1",
        *(f"{name}: {text}" for name, text in (headers | required).items()),
    ]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    head, _, content = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    first, *rest = head.decode().split("\r\n")
    received = dict(line.lower().split(": ", 1) for line in rest)
    return int(first.split()[1]), received, json.loads(content)


async def test_head_has_the_response_of_get_without_a_body(client: Client) -> None:
    for path, status in (("openapi.json", 200), ("tickets/tk_000000", 404), ("nothing", 404)):
        async with client.head(f"/api/v1/{path}", headers=bearer(ANNA)) as response:
            assert (response.status, await response.read()) == (status, b"")


async def test_a_client_that_expects_100_continue_gets_it(client: Client) -> None:
    body = {"title": "Printer", "workflow": "service_request"}
    async with client.post(TICKETS, json=body, headers=bearer(ANNA), expect100=True) as response:
        assert response.status == 201
