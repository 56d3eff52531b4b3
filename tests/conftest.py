"""A real PostgreSQL server, and a separate database for each test that needs one."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryDirectory
from typing import Any, Final

import asyncpg
import pytest
import structlog
from hypothesis import HealthCheck, settings
from structlog.dev import ConsoleRenderer, plain_traceback

from engine.storage.migrate import migrate
from engine.storage.postgres.database import Database, open_database
from engine.storage.postgres.embedded import embedded_server
from engine.storage.postgres.grants import grants_sql
from engine.storage.tickets.store import TicketStore
from tests.support.databases import (
    SERVER_ROLE,
    TEMPLATE,
    as_server,
    create_server_role,
    database_address,
    execute,
    new_database,
)
from tests.support.declared_resources import put_resources
from tests.support.lock_gates import Observer, open_observer
from tests.support.paths import MEMORY

# The benchmarks measure speed, so no test fails because it is slow.
NO_DEADLINE: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("default", **NO_DEADLINE)
settings.register_profile("ci", **NO_DEADLINE, derandomize=True)
settings.register_profile("quick", **NO_DEADLINE, max_examples=10)
settings.register_profile("soak", **NO_DEADLINE, max_examples=3_000)
profile = "ci" if "CI" in os.environ else "default"
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", profile))

FAST: Final = (
    *("fsync = off", "synchronous_commit = off", "full_page_writes = off"),
    *("max_wal_size = '128MB'", "min_wal_size = '32MB'"),
)
"""Settings for an embedded server whose data need not survive a power failure, and can be small."""
MEMORY_BYTES: Final = 4 * 1024**3
"""Free memory with which the databases are kept there: they are copied faster than on a disk."""


def pytest_configure() -> None:
    """Log plain tracebacks: the default ones of structlog take 0.2 s each."""
    *others, _ = structlog.get_config()["processors"]
    console = ConsoleRenderer(colors=False, exception_formatter=plain_traceback)
    structlog.configure(processors=[*others, console])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need the database or the browser, according to their fixtures."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "server" in fixtures:
            item.add_marker(pytest.mark.database)
        if "browser" in fixtures:
            item.add_marker(pytest.mark.browser)


def pytest_collection_finish() -> None:
    """Exempt what is imported by now from garbage collections, which take 0.3 s each otherwise."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Return the address of the server in INTERLOCK_DATABASE_URL, or of an embedded one."""
    if url := os.environ.get("INTERLOCK_DATABASE_URL"):
        yield url
        return
    in_memory = MEMORY.is_dir() and disk_usage(MEMORY).free > MEMORY_BYTES
    parent = MEMORY if in_memory else None
    with TemporaryDirectory(dir=parent) as folder, embedded_server(Path(folder)) as embedded:
        url = embedded.url
        asyncio.run(execute(url, *(f"ALTER SYSTEM SET {each}" for each in FAST)))
        asyncio.run(execute(url, "SELECT pg_reload_conf()"))
        yield url


@pytest.fixture(scope="session")
async def template(server: str) -> str:
    """Return the address of the server, on which the template database is ready."""
    await execute(server, f"DROP DATABASE IF EXISTS {TEMPLATE}", f"CREATE DATABASE {TEMPLATE}")
    address = database_address(server, TEMPLATE)
    await migrate(address)
    await create_server_role(server)
    await execute(address, grants_sql(SERVER_ROLE))
    async with open_database(as_server(address)) as database:
        await put_resources(database)
    return server


@pytest.fixture
async def owner_url(template: str) -> AsyncIterator[str]:
    """Return the address, for its owner, of a database that only this test uses."""
    async with new_database(template) as url:
        yield url


@pytest.fixture
def database_url(owner_url: str) -> str:
    """Return the address of the same database for the role of a server, which owns nothing."""
    return as_server(owner_url)


@pytest.fixture
async def owner(owner_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Return a connection of the owner, which can tamper with the database."""
    connection = await asyncpg.connect(owner_url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        yield opened


@pytest.fixture
def store(database: Database) -> TicketStore:
    return TicketStore(database)


@pytest.fixture
async def observer(owner_url: str) -> AsyncIterator[Observer]:
    async with open_observer(owner_url) as opened:
        yield opened
