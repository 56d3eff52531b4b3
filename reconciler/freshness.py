"""Whether a plan still fits what is live, object by object. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.resources.resource import Key, LastChange, LiveResources, Resource
from reconciler.diff import applied
from reconciler.hazards import counted
from reconciler.plan import Plan, PlannedChange
from reconciler.references import dangling


@dataclass(frozen=True, slots=True)
class Stale:
    """One thing that is not any more what a plan was made for.

    Attributes:
        planned, now: what it was and what it is, in words.
        touch: who changed it, when, and from which source; None if nobody declared anything.

    """

    key: Key
    planned: str
    now: str
    touch: LastChange | None = None

    def __str__(self) -> str:
        return f"{self.key}: planned: {self.planned}; now: {self.now}{signature(self.touch)}."


def signature(touch: LastChange | None) -> str:
    """Return who changed something when, to follow what became of it."""
    if touch is None:
        return ""
    return f" (by {touch.by} at {touch.at.isoformat(timespec='seconds')} from {touch.source})"


def stale_resources(plan: Plan, live: LiveResources) -> Iterator[Stale]:
    """Yield the resources that are not any more what a plan was made for; none if it is fresh.

    A plan is fresh as long as what it changes is as it was: what others do to other resources does
    not matter, unless one then refers to what is no longer in force.
    """
    yield from moved_on(plan, live)
    yield from left_dangling(plan, live)


def moved_on(plan: Plan, live: LiveResources) -> Iterator[Stale]:
    """Yield the resources that are not as they were before."""
    for change in (planned.change for planned in plan.changes):
        resource = live.resources.get(change.key)
        if digest_of(resource) != digest_of(change.before):
            touch = live.last_changes.get(change.key)
            yield Stale(change.key, state_of(change.before), state_of(resource), touch)


def impact_increased(plan: Plan, now: tuple[PlannedChange, ...]) -> Iterator[Stale]:
    """Yield the workflows that strand more tickets, or get more of them stuck, than was planned.

    Tickets move all the time, so of them only more harm than was looked at makes a plan stale.
    Fewer are welcome, and how many gain or lose a move says nothing about whether the rule is
    right.

    Args:
        plan: as it was looked at.
        now: its changes, in its order, judged by the tickets of now.

    """
    for planned, present in zip(plan.changes, now, strict=True):
        for word in ("stranded", "stuck"):
            before: int = getattr(planned.impact, word).tickets
            after: int = getattr(present.impact, word).tickets
            if after > before:
                key = planned.change.key
                yield Stale(key, f"{counted(before)} {word}", f"{counted(after)} {word}")


def left_dangling(plan: Plan, live: LiveResources) -> Iterator[Stale]:
    """Yield what the plan would leave in force without what it refers to.

    Whoever made the plan looked at a whole declaration, in which nothing dangles: so somebody else
    retired what one of its items refers to, or declared an item for what it retires.
    """
    changes = tuple(planned.change for planned in plan.changes)
    changed = {change.key for change in changes}
    for key, referred in dangling(applied(live.resources, changes)):
        if changed & {key, referred}:
            touch = live.last_changes.get(key if referred in changed else referred)
            yield Stale(key, f"{referred} in force", "not in force", touch)


def digest_of(resource: Resource | None) -> str | None:
    """Return the digest of a resource, if there is one."""
    return None if resource is None else resource.digest


def state_of(resource: Resource | None) -> str:
    """Return how a resource stands, in words that tell two declarations apart."""
    if resource is None:
        return "not there"
    return f"{'retired' if resource.retired else 'declared'} as {resource.digest[:12]}"
