"""What to declare in order to undo an applied plan. Pure."""

from collections.abc import Iterator

from engine.errors import StalePlan
from engine.resources.resource import Snapshot, is_active
from reconciler.diff import apply_changes
from reconciler.plan import Plan
from reconciler.references import dangling_references


def reverted_resources(live: Snapshot, plan: Plan) -> Snapshot:
    """Return the resources to declare so that the changes of an applied plan are undone.

    The resources that the plan created or revived are retired. Resources that the plan did not
    change stay as they are.

    Raises:
        StalePlan: with each resource that changed after the plan was applied, or that refers to
            one that would be retired.

    """
    reverted = apply_changes(live, (change.inverse for change in plan.changes))
    if reasons := [*_changed_resources(live, plan), *_dangling_resources(reverted, plan)]:
        raise StalePlan("\n".join(reasons))
    return {key: resource for key, resource in reverted.items() if is_active(resource)}


def _changed_resources(live: Snapshot, plan: Plan) -> Iterator[str]:
    for change in plan.changes:
        if live.get(change.key) != change.after:
            yield f"{change.key} is not as the plan left it."


def _dangling_resources(reverted: Snapshot, plan: Plan) -> Iterator[str]:
    changed = {change.key for change in plan.changes}
    for key, target in dangling_references(reverted):
        if changed & {key, target}:
            yield f"{key} refers to {target}, which would not be active."
