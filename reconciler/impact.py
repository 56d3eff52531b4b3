"""What a change means for live tickets (those that are not CLOSED). Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from engine.declaration.models import CatalogItem
from engine.resources.resource import Kind, Resource, Snapshot
from engine.vocabulary import STATUSES, Status
from engine.workflows.policy import declared_targets
from reconciler.diff import Change
from reconciler.permissions_diff import (
    TransitionChange,
    last_known_policy,
    policy_in_force,
    transition_changes,
)

TicketPlace = tuple[str, Status]
"""A workflow by name, and a status other than CLOSED."""

LIVE_STATUSES: Final = tuple(status for status in STATUSES if status is not Status.CLOSED)


@dataclass(frozen=True, slots=True)
class LiveTickets:
    """How many live tickets stand where, and some of their ids.

    Attributes:
        counts: only places that have any.
        examples: of the places that were asked for, a few ids each.

    """

    counts: Mapping[TicketPlace, int] = field(default_factory=dict)
    examples: Mapping[TicketPlace, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Affected:
    """Tickets that a change affects in one way.

    Attributes:
        by_status: how many, by the status that they stand in; only statuses that have any.
        examples: a few of their ids.

    """

    by_status: Mapping[Status, int] = field(default_factory=dict)
    examples: tuple[str, ...] = ()

    @property
    def tickets(self) -> int:
        """How many there are."""
        return sum(self.by_status.values())


UNAFFECTED: Final = Affected()


@dataclass(frozen=True, slots=True)
class Impact:
    """What one change means for live tickets and for the catalog.

    Attributes:
        stranded: their workflow is retired; they can't be moved until it is declared again.
        stuck: nobody can move them on any more from where they stand, and somebody could before.
        gaining: somebody may make a move from where they stand who could not before.
        losing: somebody may make a move no more from where they stand.
        items: the catalog items, declared until now, that use the workflow which is retired.

    """

    stranded: Affected = UNAFFECTED
    stuck: Affected = UNAFFECTED
    gaining: Affected = UNAFFECTED
    losing: Affected = UNAFFECTED
    items: tuple[str, ...] = ()


NO_IMPACT: Final = Impact()


def impact_of(
    change: Change, tickets: LiveTickets, broken: Mapping[str, tuple[str, ...]]
) -> Impact:
    """Return what a change means; only workflows have tickets.

    Args:
        change: what happens.
        tickets: where live tickets stand.
        broken: the catalog items that use each workflow which is retired.

    """
    if change.key.kind is not Kind.WORKFLOW:
        return NO_IMPACT
    name, reach = change.key.name, reach_of(change)
    return Impact(
        stranded=standing_in(name, reach.stranded, tickets),
        stuck=standing_in(name, reach.stuck, tickets),
        gaining=standing_in(name, reach.gaining, tickets),
        losing=standing_in(name, reach.losing, tickets),
        items=broken.get(name, ()),
    )


def affected_places(change: Change) -> set[TicketPlace]:
    """Return the places whose tickets a change affects in whatever way."""
    reach = reach_of(change)
    statuses = {*reach.stranded, *reach.stuck, *reach.gaining, *reach.losing}
    return {(change.key.name, status) for status in statuses}


def standing_in(name: str, statuses: Iterable[Status], tickets: LiveTickets) -> Affected:
    """Return the tickets of a workflow that stand in some statuses."""
    places = [(name, status) for status in statuses if (name, status) in tickets.counts]
    counts = {place[1]: tickets.counts[place] for place in places}
    examples = (each for place in places for each in tickets.examples.get(place, ()))
    return Affected(counts, tuple(examples)) if places else UNAFFECTED


@dataclass(frozen=True, slots=True)
class Reach:
    """The statuses whose tickets a change affects, by the way in which it does (see `Impact`)."""

    stranded: tuple[Status, ...] = ()
    stuck: tuple[Status, ...] = ()
    gaining: tuple[Status, ...] = ()
    losing: tuple[Status, ...] = ()


def reach_of(change: Change) -> Reach:
    """Return the statuses that a change affects, whatever tickets there are.

    All tickets of a workflow that is retired are stranded, and nothing else.
    """
    if change.key.kind is not Kind.WORKFLOW:
        return Reach()
    if change.after.retired:
        return Reach(stranded=LIVE_STATUSES if is_in_force(change.before) else ())
    moves = transition_changes(policy_in_force(change.before), policy_in_force(change.after))
    return Reach(
        stuck=left_without_a_way(change),
        gaining=sources(move for move in moves if move.widens),
        losing=sources(move for move in moves if move.narrows),
    )


def left_without_a_way(change: Change) -> tuple[Status, ...]:
    """Return the statuses that somebody could leave and nobody can any more."""
    before, after = last_known_policy(change.before), last_known_policy(change.after)
    return tuple(
        status
        for status in LIVE_STATUSES
        if declared_targets(before, status) and not declared_targets(after, status)
    )


def sources(moves: Iterable[TransitionChange]) -> tuple[Status, ...]:
    """Return the statuses, CLOSED aside, that moves start from, each once."""
    starting = {move.source for move in moves}
    return tuple(status for status in LIVE_STATUSES if status in starting)


def is_in_force(resource: Resource | None) -> bool:
    """Tell whether a resource is declared and not retired."""
    return resource is not None and not resource.retired


def is_retirement(change: Change) -> bool:
    """Tell whether a change retires a workflow."""
    return change.key.kind is Kind.WORKFLOW and change.after.retired


def items_broken_by(changes: Iterable[Change], live: Snapshot) -> dict[str, tuple[str, ...]]:
    """Return the catalog items, declared until now, that use each workflow which is retired."""
    retired = {each.key.name for each in changes if is_retirement(each)}
    if not retired:
        return {}
    items = (
        each.model for key, each in live.items() if key.kind is Kind.ITEM and is_in_force(each)
    )
    broken: dict[str, list[str]] = {}
    for item in items:
        if isinstance(item, CatalogItem) and item.workflow in retired:
            broken.setdefault(item.workflow, []).append(item.name)
    return {workflow: tuple(sorted(names)) for workflow, names in broken.items()}
