"""The whole application on a real database, asked over a socket."""

import gc
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from aiohttp import web, web_app
from aiohttp.test_utils import TestClient, TestServer
from playwright.async_api import Browser, async_playwright
from pydantic import SecretStr

from api.auth import SecretTokens
from api.auth.api_keys import KeyEntry, Scope, new_key
from api.bootstrap.application import application_on
from api.bootstrap.engine import Engine, open_engine
from api.log_context import CONTEXT
from api.settings import Settings
from engine.storage.postgres.database import POOL_CONNECTIONS, Database
from engine.tickets.actor import Actor
from tests.conftest import new_database
from tests.support.values_mount import ALL_DEFAULTS, Mount

SECRET = SecretStr("0123456789abcdef" * 2)
TOKENS = SecretTokens(SECRET)
KEY = new_key()
"""For whatever machines may do, where it is in the settings."""

Client = TestClient[web.Request, web.Application]


def bearer(actor: Actor) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS.mint(actor, timedelta(hours=1))}"}


@pytest.fixture(scope="module", autouse=True)
def let_go_of_applications() -> Iterator[None]:
    """Drop what aiohttp remembers of the last thousand handlers, and with them of applications.

    There is one in a server. Of all in a run of the tests, it is so much that a collection of
    garbage took seconds, which counted as the computing time of the document being validated.
    """
    yield
    web_app._cached_build_middleware.cache_clear()  # noqa: SLF001
    gc.collect()


@pytest.fixture
def mount(tmp_path: Path) -> Mount:
    """Return a folder with a values file that is in force."""
    mount = Mount(tmp_path)
    mount.put(ALL_DEFAULTS)
    return mount


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=SecretStr(database_url), jwt_secret=SECRET)


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Engine]:
    async with open_engine(settings) as opened:
        yield opened


@pytest.fixture
async def statements(parts: Engine) -> list[str]:
    """Return a list that grows by every statement that a request runs, on any connection."""
    asked: list[str] = []

    def note(sql: str) -> None:
        if "request_id" in CONTEXT.get({}):  # and not the work in the background
            asked.append(sql)

    async with AsyncExitStack() as every:
        for _ in range(POOL_CONNECTIONS):
            connection = await every.enter_async_context(parts.database.pool.acquire())
            connection.add_query_logger(lambda logged: note(logged.query))
    return asked


@pytest.fixture
async def client(parts: Engine, settings: Settings) -> AsyncIterator[Client]:
    async with (
        application_on(parts, settings) as application,
        TestClient(TestServer(application)) as opened,
    ):
        yield opened


@dataclass(frozen=True)
class Shared:
    """An application that all tests of a module ask; each leaves the others alone."""

    client: Client
    database: Database


@pytest.fixture(scope="module")
async def shared(template: str) -> AsyncIterator[Shared]:
    async with new_database(template) as url:
        settings = Settings(database_url=SecretStr(url), jwt_secret=SECRET).model_copy(
            update={"api_keys": (KeyEntry.of(KEY, Scope),)}
        )
        async with (
            open_engine(settings) as opened,
            application_on(opened, settings) as application,
            TestClient(TestServer(application)) as client,
        ):
            yield Shared(client, opened.database)


class Api:
    """GraphQL as a client speaks it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def ask(self, actor: Actor, query: str, **variables: object) -> dict[str, Any]:
        """Return the whole answer; every error in it must say what finds it in the log."""
        body = {"query": query, "variables": variables}
        async with self.client.post("/graphql", json=body, headers=bearer(actor)) as response:
            answer: dict[str, Any] = await response.json()
        for error in answer.get("errors", ()):
            assert error["extensions"].pop("requestId") == response.headers["X-Request-ID"]
        return answer

    async def data(self, actor: Actor, query: str, **variables: object) -> dict[str, Any]:
        """Return the data of an answer without errors."""
        answer = await self.ask(actor, query, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def refusal(self, actor: Actor, query: str, **variables: object) -> dict[str, Any]:
        """Return the extensions of the only error of an answer."""
        [error] = (await self.ask(actor, query, **variables))["errors"]
        extensions: dict[str, Any] = error["extensions"]
        return extensions


@pytest.fixture
def api(client: Client) -> Api:
    return Api(client)


BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Return where Chromium is: as INTERLOCK_CHROMIUM says, or on the PATH.

    Without one the tests that need it are skipped; where everything must be tested, they fail.
    """
    found = os.environ.get("INTERLOCK_CHROMIUM") or next(
        filter(None, map(shutil.which, BROWSERS)), ""
    )
    if found:
        return found
    missing = "There is no Chromium on the PATH, and INTERLOCK_CHROMIUM names none."
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox"], chromium_sandbox=False
        )
        yield browser
        await browser.close()
