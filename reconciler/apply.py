"""Applies plans: each in one transaction, completely or not at all."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from engine.declaration.models import Ticketing
from engine.errors import StalePlan
from engine.resources.live_resources import LiveResources
from engine.resources.resource import declared_resources
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.locks import lock_tickets_exclusive
from engine.storage.postgres.notifications import notify
from engine.storage.resources.reconciliations import (
    BEFORE_RECONCILIATIONS,
    ReconciliationRecord,
    check_not_applied,
    latest_reconciliation,
    reconciliation_session,
    record_reconciliation,
)
from engine.storage.resources.write import write_resources
from engine.storage.tickets.drift import repair_tickets
from engine.vocabulary import SYSTEM
from reconciler.allowances import NO_ALLOWANCES, Allowances
from reconciler.desired import Desired
from reconciler.document.serialize import serialize_plan
from reconciler.freshness import Stale, impact_increased, stale_resources
from reconciler.hazards import check_guards, is_approved
from reconciler.plan import Plan, count_active
from reconciler.planner import assess_impact, make_plan, read_live

_STALE: Final = (
    "The plan is stale, because live resources or tickets changed. Make and review a new plan."
)


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """Who applies, and which hazards they acknowledge.

    Attributes:
        by: a user id, or `system`.
        allowed: the acknowledged hazards.
        wait: wait for another reconciliation to finish, instead of raising LockHeld.

    """

    by: str
    allowed: Allowances = field(default_factory=Allowances)
    wait: bool = False


async def apply_plan(database: Database, plan: Plan, request: ApplyRequest) -> Plan:
    """Apply a reviewed plan, and return it with the impact that it had when it was applied.

    Tickets are repaired afterwards, in batches. If that is interrupted, the next plan repairs the
    others.

    Raises:
        LockHeld: another reconciliation is running.
        PlanApplied: the plan was applied before.
        StalePlan: a resource that it changes is no longer as planned, or its impact increased.
        RefusedByGuard: it has hazards that are not acknowledged. Checked last, because the hazards
            of a plan that can no longer be applied do not matter.

    """
    record = await _record_of(plan, request.by)
    async with reconciliation_session(database, request.by, wait=request.wait) as session:
        await check_not_applied(session, record.plan_id)
        if is_approved(plan) and plan.base != str(await latest_reconciliation(session)):
            raise StalePlan(_STALE, plan=record.plan_id)  # an approval covers the state before
        live = await read_live(session)
        _refuse_stale(record.plan_id, stale_resources(plan, live))

        def check(current: Plan) -> None:
            _refuse_stale(record.plan_id, impact_increased(plan, current))
            check_guards(current, request.allowed)

        applied = await _execute(session, live, plan, record, check)
    await repair_tickets(database, plan.repaired_tickets)
    return applied


async def reconcile(
    database: Database, desired: Desired, request: ApplyRequest, source: str
) -> Plan:
    """Make the desired resources live, and return the plan that was applied.

    Takes no lock if there is nothing to change.

    Raises:
        LockHeld: another reconciliation is running.
        RefusedByGuard: the plan has hazards that are not acknowledged.

    """
    async with database.snapshot() as session:
        plan = await make_plan(session, desired, source)
    if plan.is_empty:
        return plan
    async with reconciliation_session(database, request.by, wait=request.wait) as session:
        live = await read_live(session)
        plan = await make_plan(session, desired, source, live=live)
        if plan.is_empty:
            return plan
        record = await _record_of(plan, request.by)
        check = partial(check_guards, allowed=request.allowed)
        return await _execute(session, live, plan, record, check)


async def apply_defaults(database: Database) -> Plan | None:
    """Apply the default workflows; returns as `apply_first` does."""
    defaults = Desired(declared_resources(Ticketing()))
    return await apply_first(database, defaults, "the default workflows")


async def apply_first(
    database: Database, desired: Desired, source: str, allowed: Allowances = NO_ALLOWANCES
) -> Plan | None:
    """Make resources live in a database on which nothing was ever applied.

    Args:
        database: the database.
        desired: the resources.
        source: where they come from, for the record.
        allowed: the hazards that the caller acknowledges.

    Returns:
        The applied plan; None if something was applied before.

    """
    if await latest_reconciliation(database) != BEFORE_RECONCILIATIONS:
        return None
    async with reconciliation_session(database, SYSTEM, wait=True) as session:
        if (
            await latest_reconciliation(session) != BEFORE_RECONCILIATIONS
        ):  # by another server, while this one waited
            return None
        live = await read_live(session)
        plan = await make_plan(session, desired, source, live=live)
        check = partial(check_guards, allowed=allowed)
        return await _execute(session, live, plan, await _record_of(plan, SYSTEM), check)


async def _record_of(plan: Plan, by: str) -> ReconciliationRecord:
    serialized = await asyncio.to_thread(serialize_plan, plan)
    return ReconciliationRecord(serialized.id, serialized.text, by, plan.source)


def _refuse_stale(plan_id: str, stale: Iterable[Stale]) -> None:
    """Raise StalePlan if there is a stale resource."""
    if reasons := [*map(str, stale)]:
        raise StalePlan("\n".join([_STALE, *reasons]), plan=plan_id)


async def _execute(
    session: Session,
    live: LiveResources,
    plan: Plan,
    record: ReconciliationRecord,
    check: Callable[[Plan], None],
) -> Plan:
    """Record a plan and write its changes; return it with its current impact.

    The slow steps come before tickets are locked. Tickets can change until then, so the plan is
    checked a second time while they are locked.

    Args:
        session: the session that holds the reconciliation lock.
        live: the live resources.
        plan: the plan.
        record: its record for the table of reconciliations.
        check: raises an error if the plan, with its current impact, cannot be applied.

    """
    check(await _with_current_impact(session, live, plan))
    # Nothing is written before: subscribers get no change that is later than an open transaction
    # with writes, and the lock can take seconds.
    if plan.changes:
        await lock_tickets_exclusive(session)
    check(current := await _with_current_impact(session, live, plan))
    reconciliation = await record_reconciliation(session, record)
    locations = {change.key: change.at for change in plan.changes if change.at is not None}
    resources = [change.after for change in plan.changes]
    await write_resources(session, resources, reconciliation, locations)
    await notify(session, f"reconciliation {reconciliation}")
    return current


async def _with_current_impact(session: Session, live: LiveResources, plan: Plan) -> Plan:
    changes = await assess_impact(session, live, plan.changes)
    return replace(plan, changes=changes, active=count_active(live.resources))
