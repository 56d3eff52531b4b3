"""A plan: what would be changed, what it means, and what has to be so when it is applied."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from engine.findings import Location
from engine.gc_pause import gc_paused
from engine.resources.resource import Key, Kind, LiveResources, Snapshot
from reconciler.desired import Desired
from reconciler.diff import Action, Change, diff
from reconciler.impact import (
    NO_IMPACT,
    Impact,
    LiveTickets,
    TicketPlace,
    affected_places,
    impact_of,
    items_broken_by,
)
from reconciler.permissions_diff import (
    TransitionChange,
    last_known_policy,
    transition_changes,
)
from reconciler.replay import Replay


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """A change with what it means.

    Attributes:
        transitions: of a workflow, the transitions that differ; of a new one, all of them.
        impact: on live tickets, as they stood when the plan was made.
        at: where the resource is declared; None for one that is retired.

    """

    change: Change
    transitions: tuple[TransitionChange, ...] = ()
    impact: Impact = NO_IMPACT
    at: Location | None = None

    @property
    def widens(self) -> bool:
        """Whether somebody may do something who could not, in a workflow that there was before."""
        return self.change.before is not None and any(move.widens for move in self.transitions)


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


def changes_towards(desired: Desired, live: LiveResources) -> tuple[PlannedChange, ...]:
    """Return what must change, with what it means; its impact is not known yet."""
    return with_transitions(diff(live.resources, desired.resources), desired.places)


@gc_paused()
def with_transitions(
    changes: Iterable[Change], places: Mapping[Key, Location]
) -> tuple[PlannedChange, ...]:
    """Return changes with what they mean for whoever is allowed something."""
    return tuple(
        PlannedChange(
            change,
            transitions_of(change),
            at=None if change.after.retired else places.get(change.key),
        )
        for change in changes
    )


@gc_paused()
def with_impact(
    changes: Sequence[PlannedChange], tickets: LiveTickets, live: Snapshot
) -> tuple[PlannedChange, ...]:
    """Return changes with the impact that they have on these tickets."""
    broken = items_broken_by((planned.change for planned in changes), live)
    return tuple(
        replace(planned, impact=impact_of(planned.change, tickets, broken)) for planned in changes
    )


@gc_paused()
def places_affected_by(changes: Iterable[Change]) -> set[TicketPlace]:
    """Return the places whose live tickets changes may affect."""
    return {place for change in changes for place in affected_places(change)}


def transitions_of(change: Change) -> tuple[TransitionChange, ...]:
    """Return how a workflow's transitions change; nothing for other kinds."""
    if change.key.kind is not Kind.WORKFLOW:
        return ()
    return transition_changes(last_known_policy(change.before), last_known_policy(change.after))


def workflows_in_force(live: Snapshot) -> int:
    """Return how many workflows are declared and not retired."""
    return sum(key.kind is Kind.WORKFLOW and not each.retired for key, each in live.items())
