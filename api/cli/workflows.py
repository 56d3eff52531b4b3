"""`interlock workflows`."""

import asyncio
import json
import os
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Column, Table

from api.cli.tables import folded, print_table
from api.settings import Settings
from engine.errors import NotFound

if TYPE_CHECKING:
    from engine.storage.resources.revisions import Revision

workflows: Final = typer.Typer(help="Show the revisions of workflows.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a workflow.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@workflows.callback()
def of_workflows() -> None:
    """Show the revisions of workflows."""


@workflows.command()
def history(name: Name, as_json: AsJson = False) -> None:
    """List the revisions of a workflow, newest first."""
    from reconciler.report.escaping import visible

    revisions = asyncio.run(_read_revisions(name))
    if as_json:
        typer.echo(json.dumps([facts_of(each) for each in revisions], indent=2))
        return
    number = Column("revision", justify="right")
    table = Table(number, "applied at", "by", folded("source"), folded("declared at"), "digest")
    for each in revisions:
        at = each.at.isoformat(timespec="seconds")
        by, origin = visible(each.by), visible(each.source)
        declared = "" if each.file is None else visible(f"{each.file}:{each.line}")
        table.add_row(str(each.number), at, by, origin, declared, each.digest[:12])
    print_table(table)


@workflows.command()
def show(
    name: Name,
    revision: Annotated[
        int | None, typer.Option(help="The number of the revision; the latest by default.")
    ] = None,
) -> None:
    """Print the declaration of one revision of a workflow."""
    from reconciler.export import export_workflow

    revisions = asyncio.run(_read_revisions(name))
    found = [each for each in revisions if revision in (None, each.number)]
    if not found:
        known = ", ".join(str(each.number) for each in revisions)
        raise NotFound(
            f"{name} has no revision {revision}. It has these revisions: {known}.", workflow=name
        )
    typer.echo(export_workflow(name, found[0].declaration), nl=False)


async def _read_revisions(name: str) -> "list[Revision]":
    """Return the revisions of a workflow in the database of the settings."""
    from api.bootstrap.engine import open_current
    from engine.storage.resources.revisions import read_revisions

    async with open_current(Settings.from_env(os.environ)) as engine:
        return await read_revisions(engine.database, name)


def facts_of(revision: "Revision") -> dict[str, object]:
    """Return a revision for JSON."""
    return {
        "revision": revision.number,
        "at": revision.at.isoformat(),
        "by": revision.by,
        "source": revision.source,
        "file": revision.file,
        "line": revision.line,
        "digest": revision.digest,
        "policy": revision.policy,
        "declaration": json.loads(revision.declaration),
    }
