"""`interlock drift`."""

import asyncio
import os
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.exits import EXIT_CHANGES
from api.cli.plan import planned
from api.cli.reports import PlanOutput, show
from api.cli.values import Sets, SetStrings, SubchartKey, ValuesFiles, desired_from
from api.settings import Settings

if TYPE_CHECKING:
    from reconciler.drift import Corruption


def drift(
    files: ValuesFiles,
    sets: Sets = None,
    set_strings: SetStrings = None,
    key: SubchartKey = "",
    output: Annotated[PlanOutput, typer.Option(help="How to print it.")] = PlanOutput.TEXT,
) -> None:
    """Tell whether the database holds what is declared. Exits 2 if not, or not enforced."""
    plan = asyncio.run(planned(desired_from(files, sets, set_strings, key), source=""))
    corrupt = asyncio.run(corruptions(Settings.from_env(os.environ)))
    for each in corrupt:
        typer.echo(str(each), err=True)
    if not plan.is_empty:
        typer.echo("The database does not hold what is declared; to bring it there:", err=True)
    show(plan, output)
    if corrupt or not plan.is_empty:
        raise typer.Exit(EXIT_CHANGES)


async def corruptions(settings: Settings) -> "tuple[Corruption, ...]":
    """Return the workflows whose stored policy is not what their declaration compiles to."""
    from api.bootstrap.engine import open_read_only
    from engine.storage.resources.read import read_resources
    from engine.storage.resources.workflows import read_workflows
    from reconciler.drift import corrupted

    async with open_read_only(settings) as parts:
        live = await read_resources(parts.database)
        return corrupted(live.resources, (await read_workflows(parts.database)).registry)
