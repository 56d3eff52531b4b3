"""The whole application on a real database, and clients that send it requests."""

import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web_app
from aiohttp.test_utils import TestClient, TestServer
from playwright.async_api import Browser, async_playwright
from pydantic import SecretStr

from api.auth.api_keys import ApiKeyEntry, Scope
from api.bootstrap.application import open_application_on
from api.bootstrap.engine import EngineHandle, open_engine
from api.limits_setting import read_limits
from api.log_context import CONTEXT
from api.settings import Settings
from engine.vocabulary import Assignees
from tests.support.api_client import KEY, SECRET, Api, Client, SharedApplication
from tests.support.browsers import chromium
from tests.support.databases import as_server, new_database
from tests.support.personas import ALL_USERS, CILI, sign_in
from tests.support.values_mount import ALL_DEFAULTS, Mount

NO_RATE_LIMITS = read_limits("viewer_rate=0 address_rate=0")
"""A slow machine computes longer; tests of rate limits have servers of their own."""


@pytest.fixture(scope="module", autouse=True)
def release_applications() -> Iterator[None]:
    """Clear aiohttp's cache of handlers, which keeps the applications of earlier tests in memory.

    With hundreds of applications, a garbage collection takes seconds. That time counts as the
    computing time of the GraphQL document that is being validated.
    """
    yield
    web_app._cached_build_middleware.cache_clear()  # noqa: SLF001
    gc.collect()


@pytest.fixture
def mount(tmp_path: Path) -> Mount:
    """Return a mounted folder whose values file declares the defaults."""
    mount = Mount(tmp_path)
    mount.put(ALL_DEFAULTS)
    return mount


@pytest.fixture
def settings(database_url: str, request: pytest.FixtureRequest) -> Settings:
    """Return the settings of the server; a parameter says to whom tickets can be assigned."""
    assignees: Assignees = getattr(request, "param", Assignees.KNOWN)
    return Settings(database_url=SecretStr(database_url), jwt_secret=SECRET).model_copy(
        update={"people": assignees, "limits": NO_RATE_LIMITS}  # prose: ignore
    )


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[EngineHandle]:
    async with open_engine(settings) as opened:
        await sign_in(opened.database, *ALL_USERS, CILI)
        yield opened


@pytest.fixture
async def statements(engine: EngineHandle) -> list[str]:
    """Return a list that grows by each statement that a request runs, on any connection."""
    run: list[str] = []

    def note(sql: str) -> None:
        if "request_id" in CONTEXT.get({}):  # not by a background task
            run.append(sql)

    async with AsyncExitStack() as every:
        for database in engine.databases.by_kind.values():
            for _ in range(database.pool.size):
                connection = await every.enter_async_context(database.pool.acquire())
                connection.add_query_logger(lambda logged: note(logged.query))
    return run


@pytest.fixture
async def client(engine: EngineHandle, settings: Settings) -> AsyncIterator[Client]:
    async with (
        open_application_on(engine, settings) as application,
        TestClient(TestServer(application)) as opened,
    ):
        yield opened


@pytest.fixture(scope="module")
async def shared(template: str) -> AsyncIterator[SharedApplication]:
    async with new_database(template) as url:
        settings = Settings(database_url=SecretStr(as_server(url)), jwt_secret=SECRET).model_copy(
            update={"api_keys": (ApiKeyEntry.for_key(KEY, Scope),), "limits": NO_RATE_LIMITS}
        )
        async with (
            open_engine(settings) as opened,
            open_application_on(opened, settings) as application,
            TestClient(TestServer(application)) as client,
        ):
            await sign_in(opened.database, *ALL_USERS, CILI)
            yield SharedApplication(client, opened.database)


@pytest.fixture(scope="module")
def shared_api(shared: SharedApplication) -> Api:
    """Return the API for tests that only read, or that use only tickets of their own."""
    return Api(shared.client)


@pytest.fixture
def api(client: Client) -> Api:
    return Api(client)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox"], chromium_sandbox=False
        )
        yield browser
        await browser.close()
