"""`interlock apply`."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.plan import planned
from api.cli.reports import PlanOutput, read_plan, show
from api.cli.values import (
    By,
    Sets,
    SetStrings,
    Source,
    SubchartKey,
    desired_from,
    whoever_runs_this,
)
from api.settings import Settings

if TYPE_CHECKING:
    from reconciler.apply import ApplyRequest
    from reconciler.plan import Plan


def apply(
    plan: Annotated[
        Path | None, typer.Argument(metavar="PLAN", help="A plan that `plan --out` saved.")
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Option("--values", "-f", metavar="FILE", help="Or values files to plan now."),
    ] = None,
    sets: Sets = None,
    set_strings: SetStrings = None,
    key: SubchartKey = "",
    source: Source = "",
    by: By = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, for jobs.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for another who reconciles.")] = False,
    max_stranded: Annotated[
        int,
        typer.Option(
            min=0, metavar="TICKETS", help="How many live tickets may be stranded or stuck."
        ),
    ] = 0,
    allow_widening: Annotated[
        bool, typer.Option("--allow-widening", help="Rights may be widened.")
    ] = False,
    allow_many_retired: Annotated[
        bool, typer.Option("--allow-many-retired", help="Many workflows may be retired at once.")
    ] = False,
) -> None:
    """Carry out a plan, all of it or nothing.

    It was saved by `interlock plan --out`; or values files are given, and the plan for them is
    made, shown and confirmed now.
    """
    from reconciler.apply import ApplyRequest
    from reconciler.hazards import Allowances, check_guards

    if (plan is None) == (not files):
        raise typer.BadParameter("give a saved PLAN, or values files with -f")
    if plan and (sets or set_strings or key or source):
        raise typer.BadParameter("--set, --set-string, --key and --source go with -f, not a PLAN")
    made = (
        read_plan(plan)
        if plan
        else asyncio.run(planned(desired_from(files or [], sets, set_strings, key), source))
    )
    allowed = Allowances(max_stranded, widening=allow_widening, many_retired=allow_many_retired)
    show(made, PlanOutput.TEXT)
    if made.is_empty:
        return
    if not plan:
        check_guards(made, allowed)  # before anybody is asked; when it is applied, again
        if not yes:
            confirm()
    asyncio.run(carried_out(made, ApplyRequest(by or whoever_runs_this(), allowed, wait=wait)))
    typer.echo("Applied.")


def confirm() -> None:
    """Ask whether the plan that was shown shall be carried out; leave if not."""
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is nobody to ask here: add --yes")
    typer.confirm("Apply this plan?", abort=True)


async def carried_out(plan: "Plan", order: "ApplyRequest") -> None:
    """Apply a plan to the database of the settings."""
    from api.bootstrap.engine import open_engine
    from reconciler.apply import apply_plan

    async with open_engine(Settings.from_env(os.environ)) as parts:
        await apply_plan(parts.database, plan, order)
