"""`interlock migrate`."""

import asyncio
import os

import typer

from api.settings import Settings


def migrate() -> None:
    """Migrate the database to the current schema, as `serve` does."""
    asyncio.run(_migrate(Settings.from_env(os.environ)))
    typer.echo("The database has the schema of this version.")


async def _migrate(settings: Settings) -> None:
    from api.bootstrap.engine import open_engine

    async with open_engine(settings):  # opening migrates
        pass
