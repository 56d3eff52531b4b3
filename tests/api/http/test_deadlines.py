"""A request that takes too long is stopped, with everything that it waits for."""

import asyncio
from collections.abc import AsyncIterator
from math import inf
from typing import Any, Final

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from api.http.access import ProtectedRoute, allow_anyone
from api.http.application import AccessControl, build_application
from api.http.body import read_body
from api.http.server import ServerOptions, listening
from api.limits import HttpLimits
from tests.support.api_client import TOKENS, Client
from tests.support.raw_http import post, raw_connection

SECONDS: Final = 0.25
LONG: Final = 3_600.0


class Work:
    """Work of a request: it waits, and notes that it was stopped."""

    def __init__(self) -> None:
        self.stopped = 0

    async def wait(self, _request: web.Request) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise

    async def answer(self, request: web.Request) -> web.Response:
        await self.wait(request)
        return web.Response()


async def answer_late(_request: web.Request) -> web.Response:
    await asyncio.sleep(3 * SECONDS)
    return web.Response()


async def echo(request: web.Request) -> web.Response:
    await asyncio.sleep(0)  # a request that is late is stopped where it waits
    return web.Response(body=await read_body(request))


async def fail(_request: web.Request) -> web.Response:
    raise TimeoutError


@pytest.fixture
def work() -> Work:
    return Work()


def application_of(work: Work) -> web.Application:
    limits = HttpLimits(request_seconds=SECONDS)
    routes = [
        ProtectedRoute(allow_anyone, web.get("/handler", work.answer)),
        ProtectedRoute(work.wait, web.get("/access", answer_late)),
        ProtectedRoute(allow_anyone, web.get("/longer", answer_late), seconds=LONG),
        ProtectedRoute(allow_anyone, web.get("/unlimited", answer_late), seconds=inf),
        ProtectedRoute(allow_anyone, web.get("/failing", fail)),
        ProtectedRoute(allow_anyone, web.post("/echo", echo)),
    ]
    return build_application(routes, AccessControl(TOKENS, limits=limits))


@pytest_asyncio.fixture
async def client(work: Work) -> AsyncIterator[Client]:
    async with TestClient(TestServer(application_of(work))) as client:
        yield client


@pytest_asyncio.fixture
async def url(work: Work) -> AsyncIterator[str]:
    async with listening(application_of(work), ServerOptions()) as url:
        yield url


@pytest.mark.parametrize("path", ["/handler", "/access"])
async def test_a_request_is_stopped_at_its_deadline(client: Client, work: Work, path: str) -> None:
    async with client.get(path) as response:
        problem: dict[str, Any] = await response.json(content_type=None)
    assert (response.status, problem["code"]) == (503, "deadline_exceeded")
    assert problem["seconds"] == SECONDS
    assert int(response.headers["Retry-After"]) > 0
    assert work.stopped == 1


@pytest.mark.parametrize("path", ["/longer", "/unlimited"])
async def test_a_route_can_have_a_limit_of_its_own(client: Client, path: str) -> None:
    async with client.get(path) as response:
        assert response.status == 200


async def test_a_timeout_of_something_else_is_an_error_of_the_server(client: Client) -> None:
    async with client.get("/failing") as response:
        assert response.status == 500


async def test_the_time_begins_with_the_first_byte(url: str) -> None:
    complete = post("/echo", b"hello")
    async with raw_connection(url) as connection:
        await asyncio.sleep(3 * SECONDS)
        await connection.send(complete)
        assert (await connection.read_response()).status == 200
        await connection.send(complete[:1])
        await asyncio.sleep(3 * SECONDS)
        await connection.send(complete[1:])
        response = await connection.read_response()
        assert (response.status, response.problem["code"]) == (503, "deadline_exceeded")


async def test_a_body_that_arrives_too_late_is_refused_as_late(url: str) -> None:
    async with raw_connection(url) as connection:
        await connection.send(post("/echo", b"hello")[:-1])
        response = await connection.read_response()
    assert (response.status, response.problem["code"]) == (408, "request_timeout")
    assert response.problem["limit"] == "request_seconds"
