"""`interlock drift`."""

import asyncio

import typer

from api.cli.exits import EXIT_CHANGES
from api.cli.plan import Tickets, plan_for
from api.cli.reports import PlanFormat, PlanOutput, print_plan
from api.cli.values import (
    SetStrings,
    SetValues,
    SubchartKey,
    ValuesFiles,
    read_desired_resources,
)


def drift(
    files: ValuesFiles,
    set_values: SetValues = None,
    set_strings: SetStrings = None,
    key: SubchartKey = "",
    tickets: Tickets = True,
    output: PlanOutput = PlanFormat.TEXT,
) -> None:
    """Compare the database with values files and with its history.

    Prints the plan that `interlock apply` would apply. Exits with 2 if there are differences.
    """
    desired = read_desired_resources(files, set_values, set_strings, key)
    plan = asyncio.run(plan_for(desired, "", tickets=tickets))
    if not plan.is_empty:
        typer.echo(
            "The database differs from the declaration. These changes would reconcile it:", err=True
        )
    print_plan(plan, output)
    if not plan.is_empty:
        raise typer.Exit(EXIT_CHANGES)
