"""`interlock export`."""

import asyncio

import typer

from api.cli.database import open_snapshot


def export() -> None:
    """Print the active declaration as a values file."""
    typer.echo(asyncio.run(_export_database()), nl=False)


async def _export_database() -> str:
    from engine.storage.resources.read import read_resources
    from reconciler.export import export_values

    async with open_snapshot() as session:
        return export_values((await read_resources(session)).resources)
