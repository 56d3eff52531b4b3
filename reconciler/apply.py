"""Applying: one transaction, under one lock, from the old state to the new one or not at all."""

from dataclasses import dataclass, replace

from engine.errors import StalePlan
from engine.findings import Location
from engine.storage.database import Database, Session
from engine.storage.notices import tell_servers
from engine.storage.resource_store import (
    read_live,
    reconciling,
    record_reconciliation,
    write_resource,
)
from engine.workflows.resources import Key
from reconciler.desired import Desired
from reconciler.document import plan_id, written
from reconciler.freshness import stale_objects
from reconciler.hazards import NOTHING_HARMFUL, Allowances, check_guards
from reconciler.plan import Plan, judged, plan_for, workflows_in_force


@dataclass(frozen=True, slots=True)
class Order:
    """Who applies, and what they said is meant.

    Attributes:
        by: a user id, or `system`.
        allowed: what of the harm that a plan can do is meant.
        wait: wait for another who reconciles, rather than refuse.

    """

    by: str
    allowed: Allowances = NOTHING_HARMFUL
    wait: bool = False


async def apply_plan(database: Database, plan: Plan, order: Order) -> Plan:
    """Carry out a plan that somebody looked at, and return it with the impact it really had.

    Raises:
        LockHeld: another reconciles.
        StalePlan: what it changes is not any more what it was made for, or it was applied already.
        RefusedByGuard: it can do harm that is not said to be meant, counted again under the lock.

    """
    async with reconciling(database, order.by, wait=order.wait) as session:
        live = await read_live(session)
        changes = tuple(planned.change for planned in plan.changes)
        now = await judged(session, live, changes, places_in(plan))
        if stale := stale_objects(plan, live, now):
            raise StalePlan("\n".join(map(str, stale)), plan=plan_id(plan))
        present = replace(plan, changes=now, workflows=workflows_in_force(live.resources))
        check_guards(present, order.allowed)
        await write(session, plan, order.by)
        return present


async def reconcile(database: Database, desired: Desired, order: Order, source: str) -> Plan:
    """Make the database hold what is desired now, and return the plan that did it.

    Where there is nothing to do, nobody is locked out.

    Raises:
        LockHeld: another reconciles.
        RefusedByGuard: that can do harm which is not said to be meant.

    """
    async with database.snapshot() as session:
        plan = await plan_for(session, desired, source)
    if plan.is_empty:
        return plan
    async with reconciling(database, order.by, wait=order.wait) as session:
        plan = await plan_for(session, desired, source)
        check_guards(plan, order.allowed)
        if not plan.is_empty:
            await write(session, plan, order.by)
        return plan


async def write(session: Session, plan: Plan, by: str) -> None:
    """Write the plan into the ledger, and what it changes into the tables."""
    document = written(plan)
    reconciliation = await record_reconciliation(
        session, document.id, document.text, by=by, source=plan.source
    )
    for planned in plan.changes:
        change = planned.change
        await write_resource(session, change.before, change.after, reconciliation)
    await tell_servers(session, f"reconciliation {reconciliation}")


def places_in(plan: Plan) -> dict[Key, Location]:
    """Return where the resources of a plan are declared."""
    return {each.change.key: each.at for each in plan.changes if each.at is not None}
