"""Makes plans: reads the live resources and tickets, and plans with `reconciler.plan`.

Computations that take long for a large declaration run in a thread, so that a server that plans
continues to respond.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from engine.resources.live_resources import LiveResources
from engine.resources.resource import Key, Kind
from engine.storage.postgres.database import Session
from engine.storage.resources.drift import read_drift
from engine.storage.resources.read import read_resources
from engine.storage.resources.reconciliations import latest_reconciliation
from engine.storage.resources.recorded_transitions import count_recorded_transitions
from engine.storage.resources.ticket_counts import (
    count_live_tickets,
    count_tickets_of_groups,
    find_example_tickets,
)
from engine.storage.tickets.drift import compare_tickets
from reconciler.desired import Desired
from reconciler.diff import apply_changes
from reconciler.forecaster import count_foreseen_changes, read_forecast
from reconciler.foreseen_impact import EXAMPLES_MOST, foreseen_impacts
from reconciler.former_groups import former_groups, with_keeping_tickets
from reconciler.impact import AffectedTickets, LiveTickets, affected_statuses
from reconciler.permissions_diff import active_policy
from reconciler.plan import (
    Plan,
    PlannedChange,
    count_active,
    count_declared,
    plan_changes,
    with_impact,
)
from reconciler.replay import Replay, replay_transitions
from reconciler.ticket_repairs import TicketRepairs, repairs_of


@dataclass(frozen=True, slots=True)
class PlanExtras:
    """What a plan contains in addition, which takes long to compute.

    Attributes:
        replay_days: replay the transitions of this many days.
        after_ticket: compare all tickets with their histories, and call this after each ticket.

    """

    replay_days: int | None = None
    after_ticket: Callable[[], None] | None = None


NO_EXTRAS: Final = PlanExtras()


async def make_plan(
    session: Session,
    desired: Desired,
    source: str,
    *,
    live: LiveResources | None = None,
    extras: PlanExtras = NO_EXTRAS,
) -> Plan:
    """Return the plan that makes the desired resources live. Reads only.

    Args:
        session: a transaction that reads one snapshot of the database.
        desired: the desired resources.
        source: where the declaration came from, such as `git:abc123`.
        live: the live resources, if the caller has read them in this session.
        extras: what the plan contains in addition.

    """
    live = live or await read_live(session)
    changes = await asyncio.to_thread(plan_changes, desired, live.resources, live.drift)
    return Plan(
        changes=await assess_impact(session, live, changes),
        active=count_active(live.resources),
        declared=count_declared(desired.resources),
        created_at=datetime.now(UTC),
        source=source,
        base=str(await latest_reconciliation(session)),
        files=desired.files,
        replay=await _replay(session, live, changes, extras),
        tickets=await _compare_tickets(session, live, changes, extras),
        approved=desired.approved_plan,
    )


async def _compare_tickets(
    session: Session, live: LiveResources, changes: Sequence[PlannedChange], extras: PlanExtras
) -> TicketRepairs | None:
    """Compare all tickets with their histories, if requested."""
    if extras.after_ticket is None:
        return None
    compared = await compare_tickets(session, extras.after_ticket)
    return repairs_of(compared, await read_forecast(session, live.resources, changes))


async def read_live(session: Session) -> LiveResources:
    """Return the live resources with their drift."""
    live = await read_resources(session)
    return replace(live, drift=await read_drift(session, live.resources))


async def assess_impact(
    session: Session, live: LiveResources, changes: Sequence[PlannedChange]
) -> tuple[PlannedChange, ...]:
    """Return changes with their impact on the current tickets."""
    forecast = await read_forecast(session, live.resources, changes)
    tickets = LiveTickets()
    affected = await asyncio.to_thread(affected_statuses, changes)
    if affected or forecast.affects_all:
        counts = await count_live_tickets(session)
        examples = await find_example_tickets(session, affected & counts.keys(), EXAMPLES_MOST)
        tickets = LiveTickets(counts, examples)
    counted = await count_foreseen_changes(session, forecast)
    foreseen = await asyncio.to_thread(foreseen_impacts, forecast, tickets.all, counted)
    foreseen = with_keeping_tickets(foreseen, await _count_keeping_tickets(session, changes))
    return await asyncio.to_thread(with_impact, changes, tickets, live.resources, foreseen)


async def _count_keeping_tickets(
    session: Session, changes: Sequence[PlannedChange]
) -> dict[Key, AffectedTickets]:
    """Return the live tickets that keep the former group of an item or a service."""
    former = await asyncio.to_thread(former_groups, changes)
    if not former:
        return {}
    counted = await count_tickets_of_groups(session, former, EXAMPLES_MOST)
    return {key: AffectedTickets(*each) for key, each in counted.items()}


async def _replay(
    session: Session, live: LiveResources, changes: Sequence[PlannedChange], extras: PlanExtras
) -> Replay | None:
    """Check the transitions of the last days against the workflows as they are after changes."""
    if (days := extras.replay_days) is None:
        return None
    policies = {
        key.name: active_policy(resource)
        for key, resource in apply_changes(live.resources, changes).items()
        if key.kind is Kind.WORKFLOW
    }
    recorded = await count_recorded_transitions(session, timedelta(days=days))
    return replay_transitions(recorded, policies, days)
