"""`interlock deploy`."""

import asyncio
import os
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.reports import PlanFormat, print_plan
from api.cli.values import By, Source, SubchartKey, ValuesFiles, user_name
from api.settings import Settings

if TYPE_CHECKING:
    from reconciler.plan import Plan


def deploy(
    files: ValuesFiles,
    key: SubchartKey = "",
    source: Source = "",
    by: By = "",
    content: Annotated[
        str,
        typer.Option(
            metavar="sha256:HEX",
            help="Wait until the texts of the files, one after the other, have this SHA-256.",
        ),
    ] = "",
    grant_to: Annotated[
        str,
        typer.Option(
            metavar="ROLE", help="Grant this role the rights of a server, as `db grants` does."
        ),
    ] = "",
    servers: Annotated[
        int,
        typer.Option(min=0, help="Wait until at least so many servers use the declaration."),
    ] = 0,
    timeout: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="How long to wait for the files, the database and the servers together.",
        ),
    ] = 300,
) -> None:
    """Prepare the database for servers that wait for it.

    Migrates it, applies values files, and waits until all servers use them.

    For a job that prepares the database for servers with INTERLOCK_DATABASE_SCHEMA=wait. It can be
    repeated. A plan with hazards fails, unless `ticketing.approvedPlan` in the files approves it.
    """
    from api.bootstrap.deployment import Deployment
    from api.bootstrap.deployment import deploy as run

    def show_plan(plan: "Plan") -> None:
        print_plan(plan, PlanFormat.TEXT)

    deployment = Deployment(
        files, by or user_name(), key, content, source, grant_to, servers, timeout
    )
    settings = Settings.from_env(os.environ)
    for each in asyncio.run(run(settings, deployment, show_plan, typer.echo)):
        typer.echo(f"{each.name} uses it (Interlock {each.version}).")
