"""`interlock export`."""

import asyncio
import os

import typer

from api.settings import Settings


def export() -> None:
    """Print everything that is in force as a values file."""
    typer.echo(asyncio.run(exported(Settings.from_env(os.environ))), nl=False)


async def exported(settings: Settings) -> str:
    """Return the values file of the database of the settings."""
    from api.bootstrap.engine import open_read_only
    from engine.storage.resources.read import read_resources
    from reconciler.export import values_of

    async with open_read_only(settings) as parts:
        return values_of((await read_resources(parts.database)).resources)
