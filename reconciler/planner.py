"""Makes plans: reads what is live, and hands it to the pure functions of `reconciler.plan`."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from engine.resources.resource import Kind, LiveResources, Snapshot
from engine.storage.postgres.database import Database, Session
from engine.storage.resources.read import read_resources
from engine.storage.resources.recorded_transitions import count_recorded_transitions
from engine.storage.resources.ticket_counts import count_live_tickets, find_example_tickets
from reconciler.desired import Desired
from reconciler.diff import Change, applied
from reconciler.impact import LiveTickets
from reconciler.permissions_diff import policy_in_force
from reconciler.plan import (
    Plan,
    PlannedChange,
    changes_towards,
    places_affected_by,
    with_impact,
    workflows_in_force,
)
from reconciler.replay import Replay, replayed

EXAMPLES_MOST: Final = 5
"""Ids of tickets that are shown for each status of a workflow."""


async def plan_for(
    database: Database | Session, desired: Desired, source: str, replay_days: int | None = None
) -> Plan:
    """Return what must change for the database to hold what is desired. Reads only.

    Args:
        database: what is live.
        desired: what is declared.
        source: where the declaration came from, e.g. `git:abc123`.
        replay_days: judge the recorded transitions of so many days, too.

    """
    return await plan_over(database, await read_resources(database), desired, source, replay_days)


async def plan_over(
    database: Database | Session,
    live: LiveResources,
    desired: Desired,
    source: str,
    replay_days: int | None = None,
) -> Plan:
    """Return what must change for what is live to become what is desired (see `plan_for`).

    What takes long where much is declared is worked out in a thread: a server goes on answering.
    """
    changes = await asyncio.to_thread(changes_towards, desired, live)
    after = applied(live.resources, (planned.change for planned in changes))
    return Plan(
        changes=await judged(database, live, changes),
        workflows=workflows_in_force(live.resources),
        created_at=datetime.now(UTC),
        source=source,
        files=desired.files,
        replay=await replay(database, after, replay_days) if replay_days else None,
    )


async def judged(
    database: Database | Session, live: LiveResources, changes: Sequence[PlannedChange]
) -> tuple[PlannedChange, ...]:
    """Return changes with the impact that they have now."""
    tickets = await tickets_of(database, [planned.change for planned in changes])
    return await asyncio.to_thread(with_impact, changes, tickets, live.resources)


async def tickets_of(database: Database | Session, changes: Iterable[Change]) -> LiveTickets:
    """Return the live tickets that changes affect, counted by place."""
    places = await asyncio.to_thread(places_affected_by, changes)
    if not places:
        return LiveTickets()
    counts = await count_live_tickets(database)
    inhabited = [place for place in places if place in counts]
    return LiveTickets(counts, await find_example_tickets(database, inhabited, EXAMPLES_MOST))


async def replay(database: Database | Session, after: Snapshot, days: int) -> Replay:
    """Judge what people did in the last days by the workflows that will be in force."""
    policies = {
        key.name: policy_in_force(resource)
        for key, resource in after.items()
        if key.kind is Kind.WORKFLOW
    }
    return replayed(
        await count_recorded_transitions(database, timedelta(days=days)), policies, days
    )
