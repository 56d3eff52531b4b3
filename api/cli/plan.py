"""`interlock plan`."""

import asyncio
import re
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli.audits import progress_bar
from api.cli.database import open_snapshot
from api.cli.exits import EXIT_CHANGES
from api.cli.reports import OutFile, PlanFormat, PlanOutput, report_plan
from api.cli.values import (
    SetStrings,
    SetValues,
    Source,
    SubchartKey,
    ValuesFiles,
    read_desired_resources,
)
from engine.errors import InvalidInput

if TYPE_CHECKING:
    from reconciler.desired import Desired
    from reconciler.plan import Plan

_DAYS: Final = re.compile(r"([1-9][0-9]{0,3})d")

Tickets = Annotated[
    bool,
    typer.Option(
        "--tickets/--no-tickets",
        help="Compare all tickets with their histories. Takes about a minute for a million.",
    ),
]
Replay = Annotated[
    str,
    typer.Option(
        metavar="DAYS",
        help="Also report the transitions of this period, such as 90d, that the plan would have "
        "refused.",
    ),
]


def plan(
    files: ValuesFiles,
    set_values: SetValues = None,
    set_strings: SetStrings = None,
    key: SubchartKey = "",
    source: Source = "",
    replay: Replay = "",
    tickets: Tickets = True,
    output: PlanOutput = PlanFormat.TEXT,
    out: OutFile = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 if there are changes.")
    ] = False,
) -> None:
    """Show the changes that values files would make. Writes nothing.

    Also shows how the changes affect live tickets.
    """
    desired = read_desired_resources(files, set_values, set_strings, key)
    days = _days(replay) if replay else None
    made = asyncio.run(plan_for(desired, source, replay_days=days, tickets=tickets))
    report_plan(made, output, out)
    if detailed_exitcode and not made.is_empty:
        raise typer.Exit(EXIT_CHANGES)


async def plan_for(
    desired: "Desired", source: str, *, tickets: bool, replay_days: int | None = None
) -> "Plan":
    """Return the plan for the database of the settings.

    Args:
        desired: the desired resources.
        source: where the declaration came from; by default its files.
        tickets: compare all tickets with their histories.
        replay_days: replay the transitions of this many days.

    """
    from engine.storage.history.audit import count_tickets
    from reconciler.planner import PlanExtras, make_plan

    source = source or ", ".join(desired.files)
    async with open_snapshot() as session:
        if not tickets:
            extras = PlanExtras(replay_days)
            return await make_plan(session, desired, source, extras=extras)
        with progress_bar("comparing tickets") as bar:
            task = bar.add_task("comparing", total=await count_tickets(session))
            extras = PlanExtras(replay_days, partial(bar.advance, task))
            return await make_plan(session, desired, source, extras=extras)


def _days(text: str) -> int:
    """Parse a number of days such as `90d`."""
    match = _DAYS.fullmatch(text)
    if match is None:
        raise InvalidInput(f"--replay must be a number of days, such as 90d, not {text!r}.")
    return int(match[1])
