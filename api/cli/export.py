"""`interlock export`."""

import asyncio
import os

import typer

from api.settings import Settings


def export() -> None:
    """Print the active declaration as a values file."""
    typer.echo(asyncio.run(_export_database()), nl=False)


async def _export_database() -> str:
    from api.bootstrap.engine import open_read_only
    from engine.storage.resources.read import read_resources
    from reconciler.export import export_values

    async with open_read_only(Settings.from_env(os.environ)) as engine:
        return export_values((await read_resources(engine.database)).resources)
