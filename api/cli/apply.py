"""`interlock apply`."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.plan import Tickets, plan_for
from api.cli.reports import PlanFormat, load_plan, print_plan
from api.cli.values import (
    By,
    SetStrings,
    SetValues,
    Source,
    SubchartKey,
    read_desired_resources,
    user_name,
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
        typer.Option(
            "--values",
            "-f",
            metavar="FILE",
            help="A values file or folder to plan and apply.",
        ),
    ] = None,
    set_values: SetValues = None,
    set_strings: SetStrings = None,
    key: SubchartKey = "",
    source: Source = "",
    tickets: Tickets = True,
    by: By = "",
    yes: Annotated[bool, typer.Option("--yes", help="Apply without confirmation.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for a running reconciliation to finish.")
    ] = False,
    max_stranded: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="TICKETS",
            help="Allow up to this many live tickets that no user can move after the plan.",
        ),
    ] = 0,
    max_closed: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="TICKETS",
            help="Allow the system to close up to this many tickets within an hour.",
        ),
    ] = 0,
    max_opened: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="TICKETS",
            help="Allow the system to open or re-open up to this many outage tickets.",
        ),
    ] = 0,
    max_breached: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="TICKETS",
            help="Allow the system to record missed SLA targets for up to this many tickets.",
        ),
    ] = 0,
    max_abandoned: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="SERVICES",
            help="Allow up to this many services in an outage that get no ticket.",
        ),
    ] = 0,
    allow_switch_off: Annotated[
        bool, typer.Option("--allow-switch-off", help="Allow the plan to switch ticketing off.")
    ] = False,
    allow_widening: Annotated[
        bool,
        typer.Option("--allow-widening", help="Allow the plan to give users more permissions."),
    ] = False,
    allow_publishing: Annotated[
        bool,
        typer.Option(
            "--allow-publishing",
            help="Allow the plan to show more groups on the public status page.",
        ),
    ] = False,
    allow_many_retired: Annotated[
        bool,
        typer.Option(
            "--allow-many-retired",
            help="Allow the plan to retire over 30% of the resources of a kind.",
        ),
    ] = False,
    allow_empty: Annotated[
        bool,
        typer.Option(
            "--allow-empty", help="Allow values that declare nothing to replace active resources."
        ),
    ] = False,
) -> None:
    """Apply a plan in one transaction.

    Pass a PLAN that `interlock plan --out` saved, or values files. The plan for values files is
    shown and needs your confirmation.
    """
    from reconciler.allowances import Allowances
    from reconciler.apply import ApplyRequest
    from reconciler.hazards import check_guards

    if (plan is None) == (not files):
        raise typer.BadParameter("pass either a saved PLAN or values files with -f")
    if plan and (set_values or set_strings or key or source):
        raise typer.BadParameter("--set, --set-string, --key and --source work only with -f")
    made = (
        load_plan(plan)
        if plan
        else asyncio.run(
            plan_for(
                read_desired_resources(files or [], set_values, set_strings, key),
                source,
                tickets=tickets,
            )
        )
    )
    allowed = Allowances(
        stranded=max_stranded,
        closed=max_closed,
        opened=max_opened,
        breached=max_breached,
        abandoned=max_abandoned,
        switch_off=allow_switch_off,
        widening=allow_widening,
        publishing=allow_publishing,
        many_retired=allow_many_retired,
        empty=allow_empty,
    )
    print_plan(made, PlanFormat.TEXT, allowed)
    if made.is_empty:
        return
    if not plan:
        check_guards(made, allowed)  # before the confirmation; applying checks them again
        if not yes:
            _confirm()
    asyncio.run(_apply_to_database(made, ApplyRequest(by or user_name(), allowed, wait=wait)))
    typer.echo("Applied.")


def _confirm() -> None:
    """Ask whether to apply the plan, and abort if not."""
    if not sys.stdin.isatty():
        raise typer.BadParameter("without a terminal, pass --yes to apply without confirmation")
    typer.confirm("Apply this plan?", abort=True)


async def _apply_to_database(plan: "Plan", request: "ApplyRequest") -> None:
    from api.bootstrap.engine import open_engine
    from reconciler.apply import apply_plan

    async with open_engine(Settings.from_env(os.environ)) as engine:
        await apply_plan(engine.database, plan, request)
