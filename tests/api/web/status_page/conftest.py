"""A server that has only the status page, whose content a test refreshes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.auth.tokens import TokenVerifier
from api.http.application import AccessControl, build_application
from api.rest.status import status_route
from api.runtime.status_page import StatusPageState
from api.web.status_page.routes import status_page_routes
from engine.storage.postgres.database import Database
from tests.support.api_client import Client
from tests.support.signers import SECRET_KEYS


@dataclass
class StatusServer:
    """A server with a status page.

    Attributes:
        seconds: what the monotonic clock of the server shows.

    """

    state: StatusPageState
    client: Client
    seconds: list[float] = field(default_factory=lambda: [0.0])

    async def get(self, path: str, **headers: str) -> tuple[int, str, Mapping[str, str]]:
        """Return the status, the text and the headers of a response."""
        async with self.client.get(path, headers=headers) as response:
            return response.status, await response.text(), response.headers.copy()


@asynccontextmanager
async def serving_status(database: Database) -> AsyncIterator[StatusServer]:
    """Serve the status page of a database during the block."""
    seconds = [0.0]
    state = StatusPageState(database, lambda: seconds[0])
    routes = [*status_page_routes(state), status_route(state)]
    application = build_application(routes, AccessControl(TokenVerifier(SECRET_KEYS)))
    async with TestClient(TestServer(application)) as client:
        yield StatusServer(state, client, seconds)


@pytest.fixture
async def status_server(database: Database) -> AsyncIterator[StatusServer]:
    async with serving_status(database) as server:
        yield server
