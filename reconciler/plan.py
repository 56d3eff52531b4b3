"""A plan: what would be changed, what it means, and what has to be so when it is applied."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from engine.findings import Location
from engine.gc_pause import collector_at_rest
from engine.resources.resource import Key, Kind, Snapshot
from engine.storage.postgres.database import Database, Session
from engine.storage.resources.read import Live, read_live
from engine.storage.resources.recorded_transitions import recorded_moves
from engine.storage.resources.ticket_counts import count_live_tickets, example_tickets
from reconciler.desired import Desired
from reconciler.diff import Action, Change, applied, diff
from reconciler.impact import (
    NO_IMPACT,
    Impact,
    LiveTickets,
    Place,
    affected_places,
    impact_of,
    items_broken_by,
)
from reconciler.permissions_diff import (
    MoveChange,
    last_known_policy,
    moves_changed,
    policy_in_force,
)
from reconciler.replay import Replay, replayed

EXAMPLES_MOST: Final = 5
"""Ids of tickets that are shown for each status of a workflow."""


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """A change with what it means.

    Attributes:
        moves: of a workflow, the transitions that differ; of a new one, all of them.
        impact: on live tickets, as they stood when the plan was made.
        at: where the resource is declared; None for one that is retired.

    """

    change: Change
    moves: tuple[MoveChange, ...] = ()
    impact: Impact = NO_IMPACT
    at: Location | None = None

    @property
    def widens(self) -> bool:
        """Whether somebody may do something who could not, in a workflow that there was before."""
        return self.change.before is not None and any(move.lets_more for move in self.moves)


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be changed.

    Attributes:
        changes: in the order in which they are applied.
        workflows: how many workflows are in force before.
        created_at: when it was made, by the clock of whoever made it.
        source: where the declaration came from, e.g. `git:abc123`.
        files: the values files, and the arguments over them, that it was read from.
        replay: what recorded transitions would have been refused, if that was asked for.

    """

    changes: tuple[PlannedChange, ...]
    workflows: int
    created_at: datetime
    source: str
    files: tuple[str, ...] = ()
    replay: Replay | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.changes

    def count(self, action: Action) -> int:
        """Return how many resources that happens to."""
        return sum(planned.change.action is action for planned in self.changes)


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
    return await plan_over(database, await read_live(database), desired, source, replay_days)


async def plan_over(
    database: Database | Session,
    live: Live,
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


def changes_towards(desired: Desired, live: Live) -> tuple[PlannedChange, ...]:
    """Return what must change, with what it means; its impact is not known yet."""
    return with_moves(diff(live.resources, desired.resources), desired.places)


async def replay(database: Database | Session, after: Snapshot, days: int) -> Replay:
    """Judge what people did in the last days by the workflows that will be in force."""
    policies = {
        key.name: policy_in_force(resource)
        for key, resource in after.items()
        if key.kind is Kind.WORKFLOW
    }
    return replayed(await recorded_moves(database, timedelta(days=days)), policies, days)


@collector_at_rest()
def with_moves(
    changes: Iterable[Change], places: Mapping[Key, Location]
) -> tuple[PlannedChange, ...]:
    """Return changes with what they mean for whoever is allowed something."""
    return tuple(
        PlannedChange(
            change, moves_of(change), at=None if change.after.retired else places.get(change.key)
        )
        for change in changes
    )


async def judged(
    database: Database | Session, live: Live, changes: Sequence[PlannedChange]
) -> tuple[PlannedChange, ...]:
    """Return changes with the impact that they have now."""
    tickets = await tickets_of(database, [planned.change for planned in changes])
    return await asyncio.to_thread(with_impact, changes, tickets, live.resources)


@collector_at_rest()
def with_impact(
    changes: Sequence[PlannedChange], tickets: LiveTickets, live: Snapshot
) -> tuple[PlannedChange, ...]:
    """Return changes with the impact that they have on these tickets."""
    broken = items_broken_by((planned.change for planned in changes), live)
    return tuple(
        replace(planned, impact=impact_of(planned.change, tickets, broken)) for planned in changes
    )


async def tickets_of(database: Database | Session, changes: Iterable[Change]) -> LiveTickets:
    """Return the live tickets that changes affect, counted by place."""
    places = await asyncio.to_thread(places_affected_by, changes)
    if not places:
        return LiveTickets()
    counts = await count_live_tickets(database)
    inhabited = [place for place in places if place in counts]
    return LiveTickets(counts, await example_tickets(database, inhabited, EXAMPLES_MOST))


@collector_at_rest()
def places_affected_by(changes: Iterable[Change]) -> set[Place]:
    """Return the places whose live tickets changes may affect."""
    return {place for change in changes for place in affected_places(change)}


def moves_of(change: Change) -> tuple[MoveChange, ...]:
    """Return how a workflow's transitions change; nothing for other kinds."""
    if change.key.kind is not Kind.WORKFLOW:
        return ()
    return moves_changed(last_known_policy(change.before), last_known_policy(change.after))


def workflows_in_force(live: Snapshot) -> int:
    """Return how many workflows are declared and not retired."""
    return sum(key.kind is Kind.WORKFLOW and not each.retired for key, each in live.items())
