"""A server that does not migrate waits for the schema and the declaration, and is not ready."""

import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from api.bootstrap import waiting
from api.bootstrap.application import open_application
from api.settings import SchemaUse, Settings
from engine.errors import Misconfigured
from engine.storage.migrate import migrate
from engine.storage.postgres.database import open_database
from engine.storage.postgres.grants import grants_sql
from reconciler.apply import apply_defaults
from tests.support.api_client import SECRET
from tests.support.background_work import until
from tests.support.databases import EMPTY, SERVER_ROLE, as_server, execute, new_database
from tests.support.lock_gates import TIMEOUT_SECONDS


@pytest.fixture
async def empty_url(template: str) -> AsyncIterator[str]:
    """Return the address, for its owner, of a database without a schema."""
    async with new_database(template, EMPTY) as url:
        yield url


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


async def test_a_server_waits_until_the_database_is_prepared(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "_CHECK_SECONDS", 0.01)
    settings = Settings(
        database_url=SecretStr(as_server(empty_url)),
        database_schema=SchemaUse.WAIT,
        jwt_secret=SECRET,
        port=free_port(),
    )
    opened = asyncio.Event()

    async def open_and_close() -> None:
        async with open_application(settings):
            opened.set()

    with capture_logs() as lines:

        async def logged(words: str) -> None:
            async def is_logged() -> bool:
                return any(words in str(line.get("reason")) for line in lines)

            await until(is_logged)

        server = asyncio.create_task(open_and_close())
        await logged("no schema")
        async with aiohttp.ClientSession(f"http://127.0.0.1:{settings.port}") as client:
            for path, status in (("/livez", 200), ("/readyz", 503), ("/graphql", 503)):
                async with client.get(path) as response:
                    assert (path, response.status) == (path, status)
        await migrate(empty_url)
        await logged("cannot read the database")
        await execute(empty_url, grants_sql(SERVER_ROLE))
        await logged("No declaration was applied yet")
        assert not opened.is_set()
        async with open_database(as_server(empty_url)) as database:
            await apply_defaults(database)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await server
    assert opened.is_set()


async def test_an_embedded_database_cannot_be_waited_for() -> None:
    settings = Settings(database_schema=SchemaUse.WAIT, jwt_secret=SECRET)
    with pytest.raises(Misconfigured, match="needs INTERLOCK_DATABASE_URL"):
        async with open_application(settings):
            pass
