"""What to declare in order to undo an applied plan. Pure."""

from collections.abc import Iterator, Sequence

from engine.errors import StalePlan
from engine.resources.resource import Snapshot, is_active
from reconciler.diff import Change, apply_changes
from reconciler.plan import Plan
from reconciler.references import dangling_after


def reverted_resources(live: Snapshot, plan: Plan) -> Snapshot:
    """Return the resources to declare so that the changes of an applied plan are undone.

    The resources that the plan created or revived are retired. Resources that the plan did not
    change stay as they are.

    Raises:
        StalePlan: with each resource that changed after the plan was applied, or that refers to
            one that would be retired.

    """
    inverse = [change.inverse for change in plan.changes]
    if reasons := [*_obstacles(live, plan.changes, inverse)]:
        raise StalePlan("\n".join(reasons))
    reverted = apply_changes(live, inverse)
    return {key: resource for key, resource in reverted.items() if is_active(resource)}


def _obstacles(
    live: Snapshot, changes: Sequence[Change], inverse: Sequence[Change]
) -> Iterator[str]:
    for change in changes:
        if live.get(change.key) != change.after:
            yield f"{change.key} changed after the plan was applied."
    for key, target in dangling_after(live, inverse):
        yield f"{key} refers to {target}, which would not be active."
