"""Bring a database to the schema that this version of Interlock works on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from engine.errors import Misconfigured, Unavailable
from engine.storage.history.renumber import renumber_log
from engine.storage.postgres.database import connect
from engine.storage.postgres.errors import map_errors

MIGRATIONS: Final = Path(__file__).parent / "migrations"
MIGRATION_LOCK: Final = 0x17E410C
"""The advisory lock that lets one replica migrate while the others wait."""
MIGRATION_SECONDS_MAX: Final = 600
LOCK: Final = "SELECT pg_advisory_lock($1)"


async def migrate(url: str) -> None:
    """Carry out every migration that the database has not seen; safe to call from each replica.

    Raises:
        Unavailable: the database does not answer, or does not let us in.

    """
    async with migrating(url) as connection:
        await upgrade_over(connection)
    async with migrating(url) as connection:  # the first was closed by whom it was lent to
        with map_errors():
            await renumber_log(connection)


@asynccontextmanager
async def migrating(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection, and let no other replica migrate for the length of the block."""
    connection = await connect(url)
    try:
        with map_errors():
            await connection.execute(LOCK, MIGRATION_LOCK, timeout=MIGRATION_SECONDS_MAX)
        yield connection
    finally:
        await connection.close()


async def upgrade_over(connection: asyncpg.Connection) -> None:
    """Lend an open connection to SQLAlchemy, for Alembic to run on."""

    async def connected() -> asyncpg.Connection:
        return connection

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=connected, poolclass=NullPool
    )
    try:
        async with engine.connect() as lent:
            await lent.run_sync(upgrade)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise Unavailable("The database went away in the middle of a migration.") from error


def upgrade(connection: Connection) -> None:
    """Run Alembic on an open connection."""
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def configuration() -> Config:
    """Return where Alembic finds the migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


async def check_schema(url: str) -> None:
    """Return if the database has the schema of this version; writes nothing.

    Raises:
        Misconfigured: it has another, or none.
        Unavailable: the database does not answer, or does not let us in.

    """
    wanted = ScriptDirectory.from_config(configuration()).get_current_head()
    connection = await connect(url)
    try:
        with map_errors():
            found = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        found = None
    finally:
        await connection.close()
    if found is None:
        raise Misconfigured("The database was not set up yet: run `interlock migrate` first.")
    if found != wanted:
        raise Misconfigured(
            f"The database has schema {found}, and this version of Interlock works on {wanted}: "
            "run `interlock migrate` first."
        )
