"""Bring a database to the schema that this version of Interlock works on."""

from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from engine.storage.outages import outages_told

MIGRATIONS: Final = Path(__file__).parent / "migrations"
MIGRATION_LOCK: Final = 0x17E410C
"""The advisory lock that lets one replica migrate while the others wait."""


async def migrate(url: str) -> None:
    """Carry out every migration that the database has not seen; safe to call from each replica.

    Raises:
        Unavailable: the database does not answer, or does not let us in.

    """
    with outages_told():
        connection = await asyncpg.connect(url)
    try:
        with outages_told():
            await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        await upgrade_over(connection)
    finally:
        await connection.close()


async def upgrade_over(connection: asyncpg.Connection) -> None:
    """Lend an open connection to SQLAlchemy, for Alembic to run on."""

    async def connected() -> asyncpg.Connection:
        return connection

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=connected, poolclass=NullPool
    )
    async with engine.connect() as lent:
        await lent.run_sync(upgrade)


def upgrade(connection: Connection) -> None:
    """Run Alembic on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
