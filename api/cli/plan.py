"""`interlock plan`."""

import asyncio
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli.exits import EXIT_CHANGES
from api.cli.reports import PlanOutput, hand_over
from api.cli.values import Sets, SetStrings, Source, SubchartKey, ValuesFiles, desired_from
from api.settings import Settings
from engine.errors import InvalidInput

if TYPE_CHECKING:
    from reconciler.desired import Desired
    from reconciler.plan import Plan

DAYS: Final = re.compile(r"([1-9][0-9]{0,3})d")

Replay = Annotated[
    str,
    typer.Option(
        metavar="DAYS",
        help="Also judge the recorded transitions of so many days by the proposed workflows, "
        "e.g. 90d.",
    ),
]


def plan(
    files: ValuesFiles,
    sets: Sets = None,
    set_strings: SetStrings = None,
    key: SubchartKey = "",
    source: Source = "",
    replay: Replay = "",
    output: Annotated[PlanOutput, typer.Option(help="How to print it.")] = PlanOutput.TEXT,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save it, for `interlock apply FILE`.")
    ] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 2 if there is something to do.")
    ] = False,
) -> None:
    """Show what values files would change, also for live tickets. Writes nothing."""
    desired = desired_from(files, sets, set_strings, key)
    made = asyncio.run(planned(desired, source, days_of(replay) if replay else None))
    hand_over(made, output, out)
    if detailed_exitcode and not made.is_empty:
        raise typer.Exit(EXIT_CHANGES)


async def planned(desired: "Desired", source: str, replay_days: int | None = None) -> "Plan":
    """Return the plan for the database of the settings."""
    from api.bootstrap.engine import open_read_only
    from reconciler.planner import plan_for

    async with (
        open_read_only(Settings.from_env(os.environ)) as parts,
        parts.database.snapshot() as at,
    ):
        return await plan_for(at, desired, source or ", ".join(desired.files), replay_days)


def days_of(text: str) -> int:
    """Return a number of days such as `90d`.

    Raises:
        InvalidInput: it is none.

    """
    found = DAYS.fullmatch(text)
    if found is None:
        raise InvalidInput(f"--replay {text!r} is not a number of days: write for example 90d.")
    return int(found[1])
