"""Applying: one transaction, from the old state to the new one or not at all."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from engine.errors import StalePlan
from engine.resources.resource import LiveResources
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.locks import lock_tickets_exclusive
from engine.storage.postgres.notifications import notify
from engine.storage.resources.read import read_resources
from engine.storage.resources.reconciliations import (
    ReconciliationRecord,
    check_not_applied,
    reconciliation_session,
    record_reconciliation,
)
from engine.storage.resources.write import write_resources
from reconciler.desired import Desired
from reconciler.document import plan_id, written
from reconciler.freshness import Stale, impact_increased, stale_resources
from reconciler.hazards import NOTHING_HARMFUL, Allowances, check_guards
from reconciler.plan import Plan, workflows_in_force
from reconciler.planner import judged, plan_for, plan_over


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """Who applies, and what they said is meant.

    Attributes:
        by: a user id, or `system`.
        allowed: what of the harm that a plan can do is meant.
        wait: wait for another who reconciles, rather than refuse.

    """

    by: str
    allowed: Allowances = NOTHING_HARMFUL
    wait: bool = False


async def apply_plan(database: Database, plan: Plan, order: ApplyRequest) -> Plan:
    """Carry out a plan that somebody looked at, and return it with the impact it really had.

    Raises:
        LockHeld: another reconciles.
        PlanApplied: it was applied already.
        StalePlan: what it changes is not any more what it was made for.
        RefusedByGuard: it can do harm that is not said to be meant, counted again under the lock.
            Of a plan that can't be applied any more the harm does not matter, so this comes last.

    """
    entry = await entry_of(plan, order.by)
    async with reconciliation_session(database, order.by, wait=order.wait) as session:
        await check_not_applied(session, entry.plan_id)
        live = await read_resources(session)
        refuse_stale(plan, stale_resources(plan, live))

        def check(now: Plan) -> None:
            refuse_stale(plan, impact_increased(plan, now.changes))
            check_guards(now, order.allowed)

        return await carried_out(session, live, plan, entry, check)


def refuse_stale(plan: Plan, stale: Iterable[Stale]) -> None:
    """Raise StalePlan if anything is not any more what a plan was made for."""
    if told := [*map(str, stale)]:
        raise StalePlan("\n".join(told), plan=plan_id(plan))


async def reconcile(database: Database, desired: Desired, order: ApplyRequest, source: str) -> Plan:
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
    async with reconciliation_session(database, order.by, wait=order.wait) as session:
        live = await read_resources(session)
        plan = await plan_over(session, live, desired, source)
        if plan.is_empty:
            return plan
        entry = await entry_of(plan, order.by)
        check = partial(check_guards, allowed=order.allowed)
        return await carried_out(session, live, plan, entry, check)


async def entry_of(plan: Plan, by: str) -> ReconciliationRecord:
    """Return a plan as it will stand in the ledger."""
    document = await asyncio.to_thread(written, plan)
    return ReconciliationRecord(document.id, document.text, by, plan.source)


async def carried_out(
    session: Session,
    live: LiveResources,
    plan: Plan,
    entry: ReconciliationRecord,
    check: Callable[[Plan], None],
) -> Plan:
    """Write a plan into the ledger, and what it changes into the tables; return it as it is now.

    Whatever takes long is done before tickets are held. They may have moved until then, so the
    plan is checked again, with the impact that it has when nobody can move them any more.

    Args:
        session: of whoever reconciles.
        live: what the database holds.
        plan: what is changed, as it was made.
        entry: for the ledger.
        check: raises what there is to say against the plan as it is now.

    """
    check(await present(session, live, plan))
    number = await record_reconciliation(session, entry)
    await lock_tickets_exclusive(session)
    check(now := await present(session, live, plan))
    await write_resources(session, [each.change.after for each in plan.changes], number)
    await notify(session, f"reconciliation {number}")
    return now


async def present(session: Session, live: LiveResources, plan: Plan) -> Plan:
    """Return a plan with the impact that it has now."""
    changes = await judged(session, live, plan.changes)
    return replace(plan, changes=changes, workflows=workflows_in_force(live.resources))
