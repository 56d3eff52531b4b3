"""What a change means for live tickets (those that are not CLOSED). Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from engine.vocabulary import STATUSES, Status
from engine.workflows.declaration import CatalogItem
from engine.workflows.policy import targets_of
from engine.workflows.resources import Kind, Resource, Snapshot
from reconciler.diff import Change
from reconciler.meaning import MoveChange, last_known_policy, moves_changed, policy_in_force

Place = tuple[str, Status]
"""A workflow by name, and a status other than CLOSED."""

LIVE_STATUSES: Final = tuple(status for status in STATUSES if status is not Status.CLOSED)


@dataclass(frozen=True, slots=True)
class LiveTickets:
    """How many live tickets stand where, and some of their ids.

    Attributes:
        counts: only places that have any.
        examples: of the places that were asked for, a few ids each.

    """

    counts: Mapping[Place, int] = field(default_factory=dict)
    examples: Mapping[Place, list[str]] = field(default_factory=dict)


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

    stranded: Affected = Affected()
    stuck: Affected = Affected()
    gaining: Affected = Affected()
    losing: Affected = Affected()
    items: tuple[str, ...] = ()


NO_IMPACT: Final = Impact()


def impact_of(change: Change, tickets: LiveTickets, live: Snapshot) -> Impact:
    """Return what a change means; only workflows have tickets."""
    if change.key.kind is not Kind.WORKFLOW:
        return NO_IMPACT
    return Impact(
        stranded=affected(change, tickets, stranding),
        stuck=affected(change, tickets, sticking),
        gaining=affected(change, tickets, gaining),
        losing=affected(change, tickets, losing),
        items=items_using(change, live),
    )


def affected_places(change: Change) -> set[Place]:
    """Return the places whose tickets a change affects in whatever way."""
    if change.key.kind is not Kind.WORKFLOW:
        return set()
    return {(change.key.name, status) for way in WAYS for status in way(change)}


def affected(
    change: Change, tickets: LiveTickets, way: Callable[[Change], Iterable[Status]]
) -> Affected:
    """Return the tickets in the statuses that a change affects in one way."""
    places = [(change.key.name, status) for status in way(change)]
    counts = {place[1]: tickets.counts[place] for place in places if place in tickets.counts}
    examples = (each for place in places for each in tickets.examples.get(place, ()))
    return Affected(counts, tuple(examples))


def stranding(change: Change) -> Iterable[Status]:
    """Return the statuses whose tickets are stranded: all of them if the workflow is retired."""
    return LIVE_STATUSES if change.after.retired and is_in_force(change.before) else ()


def sticking(change: Change) -> Iterator[Status]:
    """Return the statuses that somebody could leave and nobody can any more."""
    if change.after.retired:
        return
    before, after = last_known_policy(change.before), last_known_policy(change.after)
    for status in LIVE_STATUSES:
        if targets_of(before, status) and not targets_of(after, status):
            yield status


def gaining(change: Change) -> Iterator[Status]:
    """Return the statuses from which somebody may make a move who could not before."""
    return sources(move for move in moves_in_force(change) if move.lets_more)


def losing(change: Change) -> Iterator[Status]:
    """Return the statuses from which somebody may make a move no more; a retired one aside."""
    if not change.after.retired:
        yield from sources(move for move in moves_in_force(change) if move.lets_fewer)


WAYS: Final = (stranding, sticking, gaining, losing)
"""The ways in which tickets are affected."""


def moves_in_force(change: Change) -> tuple[MoveChange, ...]:
    """Return the transitions that are enforced otherwise after a change."""
    return moves_changed(policy_in_force(change.before), policy_in_force(change.after))


def sources(moves: Iterable[MoveChange]) -> Iterator[Status]:
    """Return the statuses, CLOSED aside, that moves start from, each once."""
    starting = {move.source for move in moves}
    return (status for status in LIVE_STATUSES if status in starting)


def is_in_force(resource: Resource | None) -> bool:
    """Tell whether a resource is declared and not retired."""
    return resource is not None and not resource.retired


def items_using(change: Change, live: Snapshot) -> tuple[str, ...]:
    """Return the catalog items, declared until now, that use a workflow which is retired."""
    if not change.after.retired:
        return ()
    items = (each.model for each in live.values() if is_in_force(each))
    return tuple(
        sorted(
            item.name
            for item in items
            if isinstance(item, CatalogItem) and item.workflow == change.key.name
        )
    )
