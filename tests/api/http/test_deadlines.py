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
from api.limits import HttpLimits
from tests.support.api_client import TOKENS, Client

SECONDS: Final = 0.02
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


async def fail(_request: web.Request) -> web.Response:
    raise TimeoutError


@pytest.fixture
def work() -> Work:
    return Work()


@pytest_asyncio.fixture
async def client(work: Work) -> AsyncIterator[Client]:
    limits = HttpLimits(request_seconds=SECONDS)
    routes = [
        ProtectedRoute(allow_anyone, web.get("/handler", work.answer)),
        ProtectedRoute(work.wait, web.get("/access", answer_late)),
        ProtectedRoute(allow_anyone, web.get("/longer", answer_late), seconds=LONG),
        ProtectedRoute(allow_anyone, web.get("/unlimited", answer_late), seconds=inf),
        ProtectedRoute(allow_anyone, web.get("/failing", fail)),
    ]
    application = build_application(routes, AccessControl(TOKENS, limits=limits))
    async with TestClient(TestServer(application)) as client:
        yield client


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
