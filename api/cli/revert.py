"""`interlock revert`."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.database import open_snapshot
from api.cli.reports import OutFile, PlanFormat, PlanOutput, load_plan, report_plan

if TYPE_CHECKING:
    from reconciler.plan import Plan


def revert(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="A plan that was applied.")],
    out: OutFile = None,
    output: PlanOutput = PlanFormat.TEXT,
) -> None:
    """Make the plan that undoes an applied plan. Writes nothing to the database."""
    report_plan(asyncio.run(_plan_to_undo(load_plan(plan))), output, out)


async def _plan_to_undo(plan: "Plan") -> "Plan":
    from engine.storage.resources.reconciliations import check_applied
    from reconciler.desired import Desired
    from reconciler.document.serialize import serialize_plan
    from reconciler.planner import make_plan, read_live
    from reconciler.revert import reverted_resources

    plan_id = serialize_plan(plan).id
    async with open_snapshot() as session:
        if not plan.is_empty:  # a plan without changes is never recorded
            await check_applied(session, plan_id)
        live = await read_live(session)
        desired = Desired(reverted_resources(live.resources, plan))
        return await make_plan(session, desired, f"revert of {plan_id}", live=live)
