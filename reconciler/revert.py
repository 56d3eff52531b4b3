"""The way back: what has to be declared for an applied plan to be undone. Pure."""

from collections.abc import Iterator

from engine.errors import StalePlan
from engine.resources.resource import Snapshot
from reconciler.diff import applied
from reconciler.impact import is_in_force
from reconciler.plan import Plan
from reconciler.references import dangling


def reverted(live: Snapshot, plan: Plan) -> Snapshot:
    """Return what has to be in force for everything to be again as before a plan.

    Nothing that was ever declared is removed: what the plan created is retired, and what it revived
    is retired as it was revived. Whatever the plan did not change stays as it is.

    Raises:
        StalePlan: something is no longer what the plan made of it, or something else refers to it
            by now; each is named.

    """
    undone = applied(live, tuple(planned.change.inverse for planned in plan.changes))
    if reasons := [*moved_on(live, plan), *left_dangling(undone, plan)]:
        raise StalePlan("\n".join(reasons))
    return {key: resource for key, resource in undone.items() if is_in_force(resource)}


def moved_on(live: Snapshot, plan: Plan) -> Iterator[str]:
    """Yield the resources that are no longer what a plan made of them."""
    for change in (planned.change for planned in plan.changes):
        if live.get(change.key) != change.after:
            yield f"{change.key} is not what the plan made of it any more."


def left_dangling(undone: Snapshot, plan: Plan) -> Iterator[str]:
    """Yield what would be in force without what it refers to."""
    changed = {planned.change.key for planned in plan.changes}
    for key, referred in dangling(undone):
        if changed & {key, referred}:
            yield f"{key} needs {referred}, which would not be in force."
