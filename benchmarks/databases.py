"""Temporary databases for benchmarks."""

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
_DISABLE_CHECKS: Final = "SET session_replication_role = replica"
"""Disables triggers and foreign keys."""
VACUUM: Final = "VACUUM ANALYZE"
"""What autovacuum does in the minutes after large writes."""

_NO_SYNC: Final = ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
"""No server waits for the disk. With `synchronous_commit = off` only Interlock would: it sets that
itself on each connection."""


@contextmanager
def temporary_server() -> Iterator[str]:
    """Run an embedded server with its data in a temporary folder; yield its URL."""
    with TemporaryDirectory() as folder, embedded_server(Path(folder)) as embedded:
        yield embedded.url


async def declare(url: str, desired: Desired = DEFAULTS) -> None:
    """Create the schema in an empty database, and apply a declaration."""
    await migrate(url)
    async with open_database(url) as database:
        await reconcile(database, desired, ApplyRequest(SYSTEM), source="benchmark")


@asynccontextmanager
async def unchecked(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection that does not check the rows that it writes."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_DISABLE_CHECKS)
        yield connection
    finally:
        await connection.close()


async def execute_unchecked(url: str, sql: str, *arguments: object) -> None:
    """Run a statement on a separate connection that does not check rows."""
    async with unchecked(url) as connection:
        await connection.execute(sql, *arguments)


async def disable_sync(url: str) -> None:
    """Let a server not wait for the disk."""
    for statement in _NO_SYNC:
        await execute_unchecked(url, statement)
