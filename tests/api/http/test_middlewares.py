"""Requests through all middlewares: access, errors, ids, headers, logs and metrics."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from aiohttp import ClientError, web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from pydantic import SecretStr
from structlog.testing import capture_logs

from api.auth.tokens import TokenIssuer
from api.http.access import ProtectedRoute, allow_anyone
from api.http.app_keys import ACTOR
from api.http.application import AccessControl, build_application
from api.http.metrics import Metrics
from api.http.server import ServerOptions, listening
from api.limits import HTTP_LIMITS, METRICS_BURST, REQUEST_ID_CHARACTERS
from api.rest.health import probe_routes
from engine.errors import Misconfigured, Unavailable, VersionConflict
from engine.limits import RETRY_AFTER_SECONDS_MAX
from engine.tickets.actor import Actor
from engine.vocabulary import Status
from tests.support.raw_http import head, raw_connection
from tests.support.server_process import ready

SECRET = "0123456789abcdef" * 2
TOKENS = TokenIssuer(SecretStr(SECRET))
ANNA = Actor("u_b1", "Anna K.", frozenset({"payment-team"}))
TOKEN = TOKENS.issue(ANNA, timedelta(hours=1))
BEARER = {"Authorization": f"Bearer {TOKEN}"}

Client = TestClient[web.Request, web.Application]


async def echo(request: web.Request) -> web.Response:
    return web.Response(text=f"{request[ACTOR].id}: {await request.text()}")


async def fail(_request: web.Request) -> web.Response:
    text = "a text that belongs in the log"
    raise RuntimeError(text)


async def conflict(_request: web.Request) -> web.Response:
    odd = ["\ud800", 10**30, Status.OPEN, datetime(2026, 4, 28, tzinfo=UTC)]
    raise VersionConflict("It moved on.", current=7, odd_things=odd, status="taken", code="taken")


async def misconfigured(_request: web.Request) -> web.Response:
    raise Misconfigured("a text that belongs in the log")


async def redirect(_request: web.Request) -> web.Response:
    raise web.HTTPFound("/livez")


async def censored(_request: web.Request) -> web.Response:
    raise web.HTTPUnavailableForLegalReasons(link=None)


async def break_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"the first part")
    raise RuntimeError


async def page(_request: web.Request) -> web.Response:
    return web.Response(text="a page", headers={"Cache-Control": "max-age=60"})


ROUTES = [
    web.post("/echo", echo),
    web.get("/tickets/{id}", conflict),
    web.get("/fail", fail),
    web.get("/misconfigured", misconfigured),
    web.get("/redirect", redirect),
    web.get("/censored", censored),
    web.get("/break-off", break_off),
    web.post("/page", echo),
    ProtectedRoute(allow_anyone, web.get("/page", page)),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client() -> AsyncIterator[Client]:
    application = build_application([*ROUTES, *probe_routes(ready)], AccessControl(TOKENS))
    async with TestClient(TestServer(application)) as client:
        yield client


async def test_a_handler_gets_the_authenticated_user(client: Client) -> None:
    async with client.post("/echo", data="hello", headers=BEARER) as response:
        assert (response.status, await response.text()) == (200, "u_b1: hello")


PROBLEMS: dict[str, tuple[str, dict[str, str], int, str]] = {
    "no token": ("POST /echo", {}, 401, "unauthenticated"),
    "an unknown path": ("GET /nowhere", {}, 404, "not_found"),
    "an unsupported method": ("GET /echo", {}, 405, "method_not_allowed"),
    "one of our errors": ("GET /tickets/tk_1", BEARER, 409, "version_conflict"),
    "an unexpected error": ("GET /fail", BEARER, 500, "internal"),
    "an invalid setting": ("GET /misconfigured", BEARER, 500, "internal"),
    "another error of aiohttp": ("GET /censored", BEARER, 451, "http_error"),
}


@pytest.mark.parametrize(("target", "headers", "status", "code"), PROBLEMS.values(), ids=PROBLEMS)
async def test_every_error_is_a_problem_document(
    target: str, headers: dict[str, str], status: int, code: str, client: Client
) -> None:
    method, path = target.split()
    async with client.request(method, f"{path}?secret=1", headers=headers) as response:
        document = json.loads(await response.text())
        assert response.status == status
        assert response.headers["Content-Type"] == "application/problem+json"
    assert list(document)[:5] == ["type", "title", "status", "detail", "instance"]
    assert document["type"] == f"urn:interlock:problem:{code}"
    assert (document["code"], document["status"], document["instance"]) == (code, status, path)
    assert document["requestId"] == response.headers["X-Request-ID"]
    assert "belongs in the log" not in document["detail"]


async def test_a_problem_document_has_the_details_of_the_error(client: Client) -> None:
    async with client.get("/tickets/tk_1", headers=BEARER) as response:
        document = await response.json(content_type=None)
    assert document["current"] == 7
    assert document["oddThings"] == ["?", 10**30, "OPEN", "2026-04-28T00:00:00Z"]
    assert document["detail"] == "It moved on."


async def test_an_unsupported_method_gets_the_allowed_methods(client: Client) -> None:
    async with client.get("/echo") as response:
        assert response.headers["Allow"] == "POST"


CHALLENGES = {
    "no token": ({}, 'Bearer realm="interlock"'),
    "a bad token": (
        {"Authorization": f"Bearer {TOKEN}x"},
        'Bearer realm="interlock", error="invalid_token", error_description="bad_signature"',
    ),
}


@pytest.mark.parametrize(("headers", "challenge"), CHALLENGES.values(), ids=CHALLENGES)
async def test_a_401_response_has_a_challenge(
    headers: dict[str, str], challenge: str, client: Client
) -> None:
    async with client.post("/echo", headers=headers) as response:
        assert (response.status, response.headers["WWW-Authenticate"]) == (401, challenge)


async def test_a_path_can_be_public_for_one_method_only(client: Client) -> None:
    for method, status in {"GET": 200, "HEAD": 200, "POST": 401}.items():
        async with client.request(method, "/page") as response:
            assert response.status == status, method


async def test_a_route_that_is_added_later_requires_a_user() -> None:
    application = build_application([], AccessControl(TOKENS))
    application.router.add_get("/later", page)
    async with TestClient(TestServer(application)) as client, client.get("/later") as response:
        assert response.status == 401


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_body_has_a_limit(chunked: bool, client: Client) -> None:  # noqa: FBT001 - a row
    for size, status in {HTTP_LIMITS.body_bytes: 200, HTTP_LIMITS.body_bytes + 1: 413}.items():
        body = b"x" * size
        sent = chunks(body) if chunked else body
        async with client.post("/echo", data=sent, headers=BEARER) as response:
            assert response.status == status
            assert ("262,144 bytes" in await response.text()) is (status == 413)


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


async def test_a_client_detects_an_incomplete_response(client: Client) -> None:
    async with client.get("/break-off", headers=BEARER) as response:
        with pytest.raises(ClientError):
            await response.read()


async def test_every_response_has_the_security_headers_that_its_handler_does_not_set(
    client: Client,
) -> None:
    for path in ("/livez", "/nowhere", "/fail", "/page"):
        async with client.get(path, headers=BEARER) as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Server"] == "interlock"
            expected = "max-age=60" if path == "/page" else "no-store"
            assert response.headers["Cache-Control"] == expected


async def test_a_redirection_stays_one(client: Client) -> None:
    async with client.get("/redirect", headers=BEARER, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (302, "/livez")


REQUEST_IDS = {
    "a valid id": ("4bf92f35-77b3.a:7_B", True),
    "the longest id": ("x" * REQUEST_ID_CHARACTERS, True),
    "an id that is too long": ("x" * (REQUEST_ID_CHARACTERS + 1), False),
    "an id with spaces": ("a b", False),
    "an id with a quote": ('"', False),
    "an empty id": ("", False),
}


@pytest.mark.parametrize(("given_id", "is_kept"), REQUEST_IDS.values(), ids=REQUEST_IDS)
async def test_a_request_keeps_its_id_if_it_is_valid(
    given_id: str,
    is_kept: bool,  # noqa: FBT001 - a row
    client: Client,
) -> None:
    async with client.get("/livez", headers={"X-Request-ID": given_id}) as response:
        assert (response.headers["X-Request-ID"] == given_id) is is_kept
        assert response.headers["X-Request-ID"]


async def test_the_log_has_requests_without_secrets(client: Client) -> None:
    with capture_logs() as lines:
        async with client.get("/fail?token=hunter2", headers=BEARER) as response:
            assert response.status == 500
        async with client.get("/tickets/tk_1", headers={"Authorization": "Bearer hunter2"}):
            pass
    failure, first, second = lines
    assert failure["event"] == "request failed"
    assert "a text that belongs in the log" in repr(failure["exc_info"])
    assert (first["path"], first["status"], first["log_level"]) == ("/fail", 500, "info")
    assert (second["path"], second["route"]) == ("/tickets/tk_1", "/tickets/{id}")
    assert "hunter2" not in repr(lines)
    assert TOKEN not in repr(lines)


async def test_readiness_follows_the_check() -> None:
    state: list[Exception] = []

    async def check() -> None:
        if state:
            raise state[0]

    async with TestClient(
        TestServer(build_application(probe_routes(check), AccessControl(TOKENS)))
    ) as client:
        assert await probe(client, "/readyz") == (200, {"status": "ready"})
        for error in (Unavailable("10.0.0.8 is down"), OSError("10.0.0.8 is down")):
            state[:] = [error]
            async with client.get("/readyz") as response:
                document = await response.json(content_type=None)
            assert (response.status, document["code"]) == (503, "unavailable")
            assert response.headers["Retry-After"] == str(document["retryAfter"])
            assert 1 <= document["retryAfter"] <= RETRY_AFTER_SECONDS_MAX
            assert "10.0.0.8" not in str(document)
            assert await probe(client, "/livez") == (200, {"status": "up"})


async def test_readiness_requests_share_a_check_that_runs() -> None:
    checks = 0
    may_end = asyncio.Event()

    async def check() -> None:
        nonlocal checks
        checks += 1
        await may_end.wait()
        raise Unavailable

    application = build_application(probe_routes(check), AccessControl(TOKENS))
    async with (
        listening(application, ServerOptions()) as url,
        raw_connection(url) as first,
        raw_connection(url) as second,
        raw_connection(url) as other,
    ):
        for connection, path in ((first, "/readyz"), (second, "/ready"), (other, "/livez")):
            await connection.send(head(f"GET {path}"))
        assert (await other.read_response()).status == 200
        may_end.set()
        assert (await first.read_response()).status == 503
        assert (await second.read_response()).status == 503
        assert checks == 1
        await first.send(head("GET /readyz"))
        assert (await first.read_response()).status == 503
        assert checks == 2


async def test_a_flood_of_requests_for_metrics_gets_the_latest_ones() -> None:
    renderings = 0

    class Counting(Collector):
        def collect(self) -> Iterator[Metric]:
            nonlocal renderings
            renderings += 1
            yield GaugeMetricFamily("seen", "Renderings.", renderings)

    metrics = Metrics([Counting()])
    renderings = 0  # registering collects, too
    bodies = [metrics.exposition() for _ in range(2 * METRICS_BURST)]
    assert renderings < len(bodies)
    assert bodies[0] != bodies[METRICS_BURST - 1]
    assert f"seen {renderings}.0".encode() in bodies[-1]


async def probe(client: Client, path: str) -> tuple[int, dict[str, object]]:
    async with client.get(path) as response:
        return response.status, await response.json(content_type=None)


async def test_metrics_count_by_route_never_by_values_of_clients() -> None:
    application = build_application([*ROUTES, *probe_routes(ready)], AccessControl(TOKENS))
    async with TestClient(TestServer(application)) as client:
        for number in range(5):
            for path in (f"/tickets/tk_{number}", f"/unknown/{number}"):
                async with client.get(path, headers=BEARER):
                    pass
        async with client.request("PROPFIND", "/echo"):
            pass
        async with client.get("/metrics") as response:
            families = list(text_string_to_metric_families(await response.text()))
    samples = [sample for family in families for sample in family.samples]
    counts = {
        tuple(sample.labels.values()): sample.value
        for sample in samples
        if sample.name == "interlock_http_requests_total"
    }
    assert counts == {
        ("web", "GET", "/tickets/{id}", "409"): 5,
        ("none", "GET", "unmatched", "404"): 5,
        ("none", "other", "unmatched", "405"): 1,
    }
    assert {sample.labels["route"] for sample in samples if sample.name.endswith("_bucket")} == {
        "/tickets/{id}",
        "unmatched",
    }


@given(st.binary() | st.binary().map(lambda noise: b"Bearer " + noise))
async def test_a_random_token_is_refused(client: Client, noise: bytes) -> None:
    one_line = noise.replace(b"\r", b"").replace(b"\n", b"")
    assert await status_of(client, b"Authorization: " + one_line) in {400, 401}


async def status_of(client: Client, header: bytes) -> int:
    """Send a header that an HTTP client would refuse to send; return the status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"POST /echo HTTP/1.1\r\nHost: interlock\r\nConnection: close\r\n")
    writer.write(header + b"\r\nContent-Length: 0\r\n\r\n")
    response = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(response.split()[1])
