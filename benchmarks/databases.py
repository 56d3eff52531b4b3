"""Databases to measure on: of servers that leave nothing behind, with a declaration in force."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import asyncpg

from engine.declaration.models import Ticketing
from engine.resources.resource import declared_resources
from engine.storage.migrate import migrate
from engine.storage.postgres.database import open_database
from engine.storage.postgres.embedded import embedded_server
from engine.vocabulary import SYSTEM
from reconciler.apply import ApplyRequest, reconcile
from reconciler.desired import Desired

DEFAULTS: Final = Desired(declared_resources(Ticketing()))
UNCHECKED: Final = "SET session_replication_role = replica"
"""No triggers, no foreign keys."""
SETTLE: Final = "VACUUM ANALYZE"
"""What the server does by itself in the minutes after so much was written."""


@contextmanager
def temporary_server() -> Iterator[str]:
    """Run an embedded server over a folder that goes with it; yield its address."""
    with TemporaryDirectory() as folder, embedded_server(Path(folder)) as url:
        yield url


async def declare(url: str, desired: Desired = DEFAULTS) -> None:
    """Make the schema in an empty database, and put a declaration into force."""
    await migrate(url)
    async with open_database(url) as database:
        await reconcile(database, desired, ApplyRequest(SYSTEM), source="benchmark")


@asynccontextmanager
async def unchecked(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection by which rows are written as they are told, whatever they refer to."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(UNCHECKED)
        yield connection
    finally:
        await connection.close()


async def run(url: str, sql: str, *arguments: object) -> None:
    """Run a statement on such a connection of its own."""
    async with unchecked(url) as connection:
        await connection.execute(sql, *arguments)
