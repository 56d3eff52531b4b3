"""`interlock revert`."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.reports import PlanOutput, hand_over, read_plan
from api.settings import Settings

if TYPE_CHECKING:
    from reconciler.plan import Plan


def revert(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="A plan that was applied.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save it, for `interlock apply FILE`.")
    ] = None,
    output: Annotated[PlanOutput, typer.Option(help="How to print it.")] = PlanOutput.TEXT,
) -> None:
    """Make the plan that undoes an applied one. Writes nothing to the database."""
    hand_over(asyncio.run(undoing_plan(read_plan(plan))), output, out)


async def undoing_plan(plan: "Plan") -> "Plan":
    """Return the plan that undoes one, on the database of the settings."""
    from api.bootstrap.engine import open_read_only
    from engine.storage.resources.read import read_resources
    from reconciler.desired import Desired
    from reconciler.document import plan_id
    from reconciler.planner import plan_for
    from reconciler.revert import reverted

    async with (
        open_read_only(Settings.from_env(os.environ)) as parts,
        parts.database.snapshot() as at,
    ):
        live = await read_resources(at)
        desired = Desired(reverted(live.resources, plan))
        return await plan_for(at, desired, source=f"revert of {plan_id(plan)}")
