"""`interlock drift`."""

import asyncio
from typing import TYPE_CHECKING

import typer

from api.cli.database import open_snapshot
from api.cli.exits import EXIT_CHANGES
from api.cli.reports import PlanFormat, PlanOutput, print_plan
from api.cli.values import (
    SetStrings,
    SetValues,
    SubchartKey,
    ValuesFiles,
    read_desired_resources,
)

if TYPE_CHECKING:
    from reconciler.desired import Desired
    from reconciler.drift import Drift
    from reconciler.plan import Plan


def drift(
    files: ValuesFiles,
    set_values: SetValues = None,
    set_strings: SetStrings = None,
    key: SubchartKey = "",
    output: PlanOutput = PlanFormat.TEXT,
) -> None:
    """Compare the database with values files.

    Also compares the stored policy of each workflow with its declaration. Exits with 2 if there
    are differences.
    """
    desired = read_desired_resources(files, set_values, set_strings, key)
    plan, drifted = asyncio.run(_compare(desired))
    for each in drifted:
        typer.echo(str(each), err=True)
    if not plan.is_empty:
        typer.echo(
            "The database differs from the declaration. These changes would reconcile it:", err=True
        )
    print_plan(plan, output)
    if drifted or not plan.is_empty:
        raise typer.Exit(EXIT_CHANGES)


async def _compare(desired: "Desired") -> "tuple[Plan, tuple[Drift, ...]]":
    """Return the plan for the desired resources, and the workflows whose policy differs."""
    from engine.storage.resources.read import read_resources
    from engine.storage.resources.workflows import read_workflows
    from reconciler.drift import find_drift
    from reconciler.planner import make_plan

    async with open_snapshot() as session:
        live = await read_resources(session)
        enforced = (await read_workflows(session)).registry
        plan = await make_plan(session, desired, ", ".join(desired.files), live=live)
        return plan, find_drift(live.resources, enforced)
