"""Verify the declared resources: they must be what the recorded plans have made of them."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from engine.resources.resource import Key, Kind, Resource, in_order
from engine.sealing.flaw import RecordFlaw
from engine.storage.history.declared import UnreadablePlan, read_planned_changes
from engine.storage.postgres.chains import WORKFLOW_REVISIONS, read_chain
from engine.storage.postgres.database import Session
from engine.storage.resources.read import read_resources


class _State(NamedTuple):
    """A resource, and the number of the reconciliation that last changed it."""

    resource: Resource
    reconciliation: int


async def audit_resources(session: Session) -> AsyncIterator[RecordFlaw]:
    """Yield each resource that is not what the plans of all reconciliations lead to.

    Args:
        session: a transaction with a snapshot.

    """
    planned: dict[Key, _State] = {}
    revisions: list[tuple[str, str, int]] = []
    async for change in read_planned_changes(session):
        if isinstance(change, UnreadablePlan):
            yield RecordFlaw(f"reconciliation {change.reconciliation}", "its plan is not a plan")
            continue
        number, resource = change.reconciliation, change.resource
        planned[resource.key] = _State(resource, number)
        if resource.key.kind is Kind.WORKFLOW and not resource.retired:
            revisions.append((resource.key.name, resource.declaration, number))
    async for flaw in _audit_revisions(session, revisions):
        yield flaw
    live = await read_resources(session)
    found = {
        key: _State(resource, live.last_changes[key].reconciliation)
        for key, resource in live.resources.items()
    }
    for key in in_order({*planned, *found}):
        if message := _difference(planned.get(key), found.get(key)):
            yield RecordFlaw(str(key), message)


async def _audit_revisions(
    session: Session, planned: Sequence[tuple[str, str, int]]
) -> AsyncIterator[RecordFlaw]:
    """Yield each revision that is not the next one that the plans lead to."""
    count = 0
    async for row in read_chain(session, WORKFLOW_REVISIONS):
        found = (row["workflow"], row["declaration"], row["reconciliation"])
        if count >= len(planned):
            yield RecordFlaw(f"revision {row['id']}", "no reconciliation has declared it")
        elif found != planned[count]:
            message = f"reconciliation {planned[count][2]} has declared another one"
            yield RecordFlaw(f"revision {row['id']}", message)
        count += 1
    if count < len(planned):
        message = f"the plans have {len(planned)} of them, the database has {count}"
        yield RecordFlaw("revisions", message)


def _difference(planned: _State | None, found: _State | None) -> str | None:
    """Return how a resource in the database differs from what was planned."""
    if planned is None:
        return "no reconciliation has declared it"
    if found is None:
        return f"reconciliation {planned.reconciliation} has declared it, and it does not exist"
    if found.resource != planned.resource:
        return f"it is not as reconciliation {planned.reconciliation} has declared it"
    if found.reconciliation != planned.reconciliation:
        return (
            f"it names reconciliation {found.reconciliation}, but {planned.reconciliation} was the "
            "last to change it"
        )
    return None
