"""A real PostgreSQL for every test that asks for one: each gets a database of its own."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy.engine import make_url

from engine.storage.migrate import migrate
from engine.storage.postgres.database import Database, open_database
from engine.storage.postgres.embedded import embedded_server
from engine.storage.tickets.store import TicketStore
from tests.support.declared_resources import put
from tests.support.lock_gates import Observer, observing

# Speed is measured in benchmarks/, so nothing here fails by being slow.
AT_LEISURE: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("default", **AT_LEISURE)
settings.register_profile("ci", **AT_LEISURE, derandomize=True)
settings.register_profile("hunt", **AT_LEISURE, max_examples=3_000)
in_use = "ci" if "CI" in os.environ else "default"
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", in_use))

TEMPLATE = "interlock_template"
IN_A_HURRY = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")
"""The embedded server of the tests need not survive a power cut."""


def at(server: str, database: str) -> str:
    return make_url(server).set(database=database).render_as_string(hide_password=False)


async def run(server: str, *statements: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Return the address of a server: the one of the environment, or an embedded one."""
    if url := os.environ.get("INTERLOCK_DATABASE_URL"):
        yield url
        return
    with tempfile.TemporaryDirectory() as folder, embedded_server(Path(folder)) as url:
        asyncio.run(run(url, *(f"ALTER SYSTEM SET {each}" for each in IN_A_HURRY)))
        asyncio.run(run(url, "SELECT pg_reload_conf()"))
        yield url


@pytest.fixture(scope="session")
async def template(server: str) -> str:
    """Return the server, with a database on it that has the schema and the default workflows."""
    await run(server, f"DROP DATABASE IF EXISTS {TEMPLATE}", f"CREATE DATABASE {TEMPLATE}")
    await migrate(at(server, TEMPLATE))
    async with open_database(at(server, TEMPLATE)) as database:
        await put(database)
    return server


@asynccontextmanager
async def new_database(template: str) -> AsyncIterator[str]:
    """Yield the address of a database with schema and workflows, and no tickets."""
    name = f"interlock_{token_hex(6)}"
    await run(template, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield at(template, name)
    await run(template, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database_url(template: str) -> AsyncIterator[str]:
    """Return the address of a database of the test's own."""
    async with new_database(template) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        yield opened


@pytest.fixture
def store(database: Database) -> TicketStore:
    return TicketStore(database)


@pytest.fixture
async def observer(database_url: str) -> AsyncIterator[Observer]:
    async with observing(database_url) as looking_on:
        yield looking_on
