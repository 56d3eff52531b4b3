"""A plan: what a reconciliation would change, and how that affects live tickets. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from engine.findings import Location
from engine.gc_pause import gc_paused
from engine.resources.resource import Key, Kind, Snapshot, default_resources, is_active
from reconciler.desired import Desired
from reconciler.diff import Action, Change, Drift, diff
from reconciler.impact import (
    NO_IMPACT,
    Impact,
    LiveTickets,
    enforced_policy,
    impact_of,
    items_of_retired_workflows,
)
from reconciler.permissions_diff import TransitionChange, last_known_policy, transition_changes
from reconciler.publication import published_by
from reconciler.replay import Replay
from reconciler.ticket_repairs import TicketRepairs


@dataclass(frozen=True, slots=True)
class PlannedChange(Change):
    """A change with its effect on permissions and on live tickets.

    Attributes:
        transitions: the transitions of a workflow that differ; of a new one, all of them.
        impact: on the live tickets at the time of planning.
        at: where the resource is declared; None for defaults and for retired resources.

    """

    transitions: tuple[TransitionChange, ...] = ()
    impact: Impact = NO_IMPACT
    at: Location | None = None

    @property
    def widens(self) -> bool:
        """Whether an existing workflow allows a transition to more users than before."""
        is_existing = self.before is not None and not self.after.retired
        return is_existing and any(each.widens for each in self.transitions)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a reconciliation would change.

    Attributes:
        changes: in the order in which they are applied.
        active: the number of active resources of each kind before the changes.
        declared: the number of desired resources other than those of an empty declaration.
        created_at: when the plan was made, by the clock of the process that made it.
        source: where the declaration came from, such as `git:abc123`.
        base: the position after the latest reconciliation when the plan was made.
        files: the values files and the arguments that the declaration was read from.
        replay: the recorded transitions that the plan would have refused, if requested.
        tickets: the tickets that the plan repairs; None if they were not compared.
        approved: the approval in the values of the plan; empty if they have none.

    """

    changes: tuple[PlannedChange, ...]
    active: Mapping[Kind, int]
    declared: int
    created_at: datetime
    source: str
    base: str
    files: tuple[str, ...] = ()
    replay: Replay | None = None
    tickets: TicketRepairs | None = None
    approved: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether the plan changes nothing."""
        return not self.changes and not self.repaired_tickets

    @property
    def repaired_tickets(self) -> tuple[str, ...]:
        """The ids of the tickets that the plan repairs."""
        return () if self.tickets is None else self.tickets.tickets

    def count(self, action: Action) -> int:
        """Return the number of changes with this action."""
        return sum(change.action is action for change in self.changes)


@gc_paused()
def plan_changes(
    desired: Desired, live: Snapshot, drift: Drift | None = None
) -> tuple[PlannedChange, ...]:
    """Return the changes from the live to the desired resources, without their impact."""
    return tuple(
        PlannedChange(
            change.before,
            change.after,
            change.repairs,
            transitions_of(change),
            at=None if change.after.retired else desired.locations.get(change.key),
        )
        for change in diff(live, desired.resources, drift)
    )


@gc_paused()
def with_impact(
    changes: Sequence[PlannedChange],
    tickets: LiveTickets,
    live: Snapshot,
    foreseen: Mapping[Key, Impact] | None = None,
) -> tuple[PlannedChange, ...]:
    """Return changes with their impact on these tickets, and the impact that is foreseen."""
    items = items_of_retired_workflows(changes, live)
    foreseen = foreseen or {}
    published = published_by(changes, live)
    impacts = (
        impact_of(change, tickets, items, foreseen.get(change.key, NO_IMPACT)) for change in changes
    )
    return tuple(
        replace(change, impact=replace(impact, published=published.get(change.key, ())))
        for change, impact in zip(changes, impacts, strict=True)
    )


def transitions_of(change: Change) -> tuple[TransitionChange, ...]:
    """Return how the transitions of a workflow change; empty for other kinds."""
    if change.kind is not Kind.WORKFLOW:
        return ()
    return transition_changes(enforced_policy(change), last_known_policy(change.after))


def count_active(live: Snapshot) -> dict[Kind, int]:
    """Return the number of active resources of each kind that has any."""
    counts = Counter(key.kind for key, each in live.items() if is_active(each))
    return {kind: counts[kind] for kind in Kind if counts[kind]}


def count_declared(desired: Snapshot) -> int:
    """Return the number of resources other than those of an empty declaration."""
    defaults = default_resources()
    return sum(defaults.get(key) != each for key, each in desired.items())
