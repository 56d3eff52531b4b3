"""The rate limits of a running server: viewers, addresses, and trusted proxies."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from time import perf_counter
from typing import Final

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from api.auth.api_keys import ApiKeyEntry, ApiKeys, Scope, generate_api_key
from api.auth.tokens import TokenIssuer
from api.http.access import ApiKeyAccess, ProtectedRoute
from api.http.app_keys import RATE_LIMITER, VIEWER
from api.http.application import AccessControl, build_application
from api.http.rate_limiter import RateLimiter
from api.limits import HTTP_LIMITS, HttpLimits
from api.rest.health import probe_routes
from engine.errors import VersionConflict
from engine.tickets.actor import Actor
from tests.support.server_process import ready

TOKENS: Final = TokenIssuer(SecretStr("0123456789abcdef" * 2))
KEY: Final = generate_api_key()
ANNA, BERT = Actor("u_anna", "Anna"), Actor("u_bert", "Bert")
Client = TestClient[web.Request, web.Application]


async def hello(_request: web.Request) -> web.Response:
    return web.Response(text="hello")


class BlockingHandler:
    """A handler that blocks until the test releases it."""

    def __init__(self) -> None:
        self.started = asyncio.Semaphore(0)
        self.released = asyncio.Event()

    async def handle(self, _request: web.Request) -> web.Response:
        self.started.release()
        await self.released.wait()
        return web.Response()


@asynccontextmanager
async def served(
    limits: HttpLimits, *routes: web.AbstractRouteDef, proxies: tuple[str, ...] = ()
) -> AsyncIterator[Client]:
    access_control = AccessControl(
        TOKENS,
        ApiKeys([ApiKeyEntry.for_key(KEY, [Scope.HEALTH])]),
        limits,
        tuple(map(ip_network, proxies)),
    )
    all_routes = [
        web.get("/", hello),
        ProtectedRoute(ApiKeyAccess(Scope.HEALTH), web.get("/key", hello)),
    ]
    application = build_application([*all_routes, *probe_routes(ready), *routes], access_control)
    async with TestClient(TestServer(application)) as client:
        yield client


def bearer(actor: Actor) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS.issue(actor, timedelta(hours=1))}"}


POLICY: Final = '"viewer";q=1;w=1000;qu="milliseconds"'


async def test_only_the_viewer_that_exceeds_its_budget_is_refused() -> None:
    limits = replace(HTTP_LIMITS, viewer_rate=0.001, viewer_burst=1)
    async with served(limits) as client:
        async with client.get("/", headers=bearer(ANNA)) as accepted:
            assert accepted.status == 200
            assert '"viewer";r=0;t=' in accepted.headers["RateLimit"]
            assert POLICY in accepted.headers["RateLimit-Policy"]
        async with client.get("/", headers=bearer(ANNA)) as refused:
            assert refused.status == 429
            assert refused.content_type == "application/problem+json"
            problem = await refused.json()
            assert (problem["code"], problem["limit"]) == ("too_many_requests", "viewer_rate")
            assert (problem["bound"], problem["unit"]) == (0.001, "milliseconds")
            assert int(refused.headers["Retry-After"]) == problem["retryAfter"] > 900
            assert '"viewer";r=0;t=' in refused.headers["RateLimit"]
            assert POLICY in refused.headers["RateLimit-Policy"]
        for headers, path in ((bearer(BERT), "/"), ({"X-API-Key": KEY}, "/key")):
            async with client.get(path, headers=headers) as other:
                assert other.status == 200


def compute(seconds: float) -> None:
    until = perf_counter() + seconds
    while perf_counter() < until:
        pass


async def test_a_viewer_pays_for_what_the_server_computes() -> None:
    async def expensive(_request: web.Request) -> web.Response:
        compute(0.02)
        await asyncio.sleep(0)
        compute(0.02)
        raise VersionConflict

    limits = replace(HTTP_LIMITS, viewer_rate=0.001, viewer_burst=1_000)
    async with served(limits, web.get("/expensive", expensive)) as client:
        async with client.get("/expensive", headers=bearer(ANNA)) as failed:
            assert failed.status == 409
            left = remaining(failed)
            assert left <= 960
        async with client.get("/", headers=bearer(ANNA)) as cheap:
            assert remaining(cheap) < left


def remaining(response: ClientResponse) -> int:
    match = re.search(r'"viewer";r=(\d+)', response.headers["RateLimit"])
    assert match
    return int(match[1])


async def test_requests_at_the_same_time_do_not_exceed_the_budget_together() -> None:
    arrived: asyncio.Queue[None] = asyncio.Queue()
    all_arrived = asyncio.Event()

    async def expensive(request: web.Request) -> web.Response:
        arrived.put_nowait(None)
        await all_arrived.wait()
        request.app[RATE_LIMITER].check(request[VIEWER])
        compute(0.1)
        return web.Response()

    limits = replace(HTTP_LIMITS, viewer_rate=0.001, viewer_burst=50)
    async with served(limits, web.get("/expensive", expensive)) as client:
        async with asyncio.TaskGroup() as tasks:
            requests = [
                tasks.create_task(client.get("/expensive", headers=bearer(ANNA))) for _ in range(4)
            ]
            for _ in requests:
                await arrived.get()
            all_arrived.set()
        assert sorted(each.result().status for each in requests) == [200, 429, 429, 429]


async def test_a_stream_waits_until_its_viewer_has_no_debt() -> None:
    limiter = RateLimiter(replace(HTTP_LIMITS, viewer_rate=1_000, viewer_burst=10))
    assert limiter.viewers
    limiter.viewers.charge("anna", 20)
    assert limiter.viewers.seconds_of_debt("anna") > 0
    await limiter.wait("anna")
    assert limiter.viewers.seconds_of_debt("anna") == 0


async def test_an_api_key_has_its_own_bucket() -> None:
    async with served(replace(HTTP_LIMITS, viewer_rate=0.001, viewer_burst=1)) as client:
        for status in (200, 429):
            async with client.get("/key", headers={"X-API-Key": KEY}) as response:
                assert response.status == status


async def test_an_address_is_limited_before_its_token_is_verified() -> None:
    async with served(replace(HTTP_LIMITS, address_rate=0.001, address_burst=2)) as client:
        for status, left in ((401, 1), (401, 0), (429, 0), (429, 0)):
            async with client.get("/", headers={"Authorization": "Bearer guess"}) as response:
                assert response.status == status
                assert f'"address";r={left};t=' in response.headers["RateLimit"]
        for probe in ("/livez", "/health", "/readyz", "/ready", "/metrics"):
            async with client.get(probe) as response:
                assert response.status == 200


FORWARDED = {
    "no trusted proxy": ((), ["1.1.1.1", "2.2.2.2"], 429),
    "a trusted proxy": (("127.0.0.0/8",), ["1.1.1.1", "2.2.2.2"], 200),
    "forged addresses before the last one": (
        ("127.0.0.0/8",),
        ["9.9.9.9, 1.1.1.1", "8.8.8.8, 1.1.1.1"],
        429,
    ),
    "several proxies": (
        ("127.0.0.0/8", "10.0.0.0/8"),
        ["1.1.1.1, 10.0.0.1", "2.2.2.2, 10.0.0.1"],
        200,
    ),
    "addresses of one IPv6 network": (("127.0.0.0/8",), ["2001:db8::1", "2001:db8::2"], 429),
    "addresses of two IPv6 networks": (("127.0.0.0/8",), ["2001:db8::1", "2001:db8:0:1::1"], 200),
    "an IPv4-mapped address": (("127.0.0.0/8",), ["::ffff:1.1.1.1", "1.1.1.1"], 429),
    "values that are not addresses": (("127.0.0.0/8",), ["unknown", "1.1.1.1, _hidden"], 429),
}


@pytest.mark.parametrize(("proxies", "forwarded_for", "second"), FORWARDED.values(), ids=FORWARDED)
async def test_trusted_proxies_distinguish_clients(
    proxies: tuple[str, ...], forwarded_for: list[str], second: int
) -> None:
    limits = replace(HTTP_LIMITS, address_rate=0.001, address_burst=1)
    async with served(limits, proxies=proxies) as client:
        statuses = []
        for forwarded in forwarded_for:
            headers = {**bearer(ANNA), "X-Forwarded-For": forwarded}
            async with client.get("/", headers=headers) as response:
                statuses.append(response.status)
    assert statuses == [200, second]


async def test_a_viewer_can_have_a_limited_number_of_requests_in_progress() -> None:
    blocking = BlockingHandler()
    limits = replace(HTTP_LIMITS, viewer_requests=2)
    async with served(limits, web.get("/hold", blocking.handle)) as client:
        held = [asyncio.create_task(client.get("/hold", headers=bearer(ANNA))) for _ in range(2)]
        for _ in held:
            await blocking.started.acquire()
        async with client.get("/", headers=bearer(ANNA)) as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
            assert (await refused.json())["limit"] == "viewer_requests"
        async with client.get("/", headers=bearer(BERT)) as other:
            assert other.status == 200
        blocking.released.set()
        assert [each.status for each in await asyncio.gather(*held)] == [200, 200]
        async with client.get("/", headers=bearer(ANNA)) as later:
            assert later.status == 200


async def test_a_rate_of_zero_means_no_limit() -> None:
    limits = replace(HTTP_LIMITS, viewer_rate=0, viewer_burst=1, address_rate=0, address_burst=1)
    async with served(limits) as client:
        for _ in range(5):
            async with client.get("/", headers=bearer(ANNA)) as response:
                assert response.status == 200
                assert "RateLimit" not in response.headers
