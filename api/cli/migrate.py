"""`interlock migrate`."""

import asyncio
import os

import typer

from api.settings import Settings


def migrate() -> None:
    """Bring the database to the schema of this version. So does `serve`."""
    asyncio.run(bring_up_to_date(Settings.from_env(os.environ)))
    typer.echo("The database has the schema of this version.")


async def bring_up_to_date(settings: Settings) -> None:
    """Open the database, which migrates it, and leave it."""
    from api.bootstrap.engine import open_engine

    async with open_engine(settings):
        pass
