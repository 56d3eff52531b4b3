"""Whether a plan still fits the live resources and tickets. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.resources.live_resources import LastChange, LiveResources
from engine.resources.resource import Key, Resource
from reconciler.plan import Plan
from reconciler.plural import plural
from reconciler.references import dangling_after


@dataclass(frozen=True, slots=True)
class Stale:
    """A resource that makes a plan stale.

    Attributes:
        planned, now: its state for the plan and its current state, in words.
        last_change: the last change of the resource; None if only the impact increased.

    """

    key: Key
    planned: str
    now: str
    last_change: LastChange | None = None

    def __str__(self) -> str:
        text = f"{self.key}: planned: {self.planned}; now: {self.now}"
        if (last := self.last_change) is not None:
            text += f" (by {last.by} at {last.at.isoformat(timespec='seconds')} from {last.source})"
        return f"{text}."


def stale_resources(plan: Plan, live: LiveResources) -> Iterator[Stale]:
    """Yield the resources that make a plan stale; nothing if the plan is fresh.

    A plan is fresh while the resources that it changes are as they were. Changes of other
    resources do not matter, unless an active resource would then refer to one that is not active.
    """
    yield from _changed_resources(plan, live)
    yield from _dangling_resources(plan, live)


def _changed_resources(plan: Plan, live: LiveResources) -> Iterator[Stale]:
    for change in plan.changes:
        resource = live.resources.get(change.key)
        if (resource and resource.digest) != change.before_digest:
            last_change = live.last_changes.get(change.key)
            yield Stale(change.key, _state_of(change.before), _state_of(resource), last_change)


def _dangling_resources(plan: Plan, live: LiveResources) -> Iterator[Stale]:
    """Yield the resources that would refer to one that is not active.

    No reference dangles in the declaration that was planned. So another reconciliation has retired
    the target of a reference, or declared a resource that refers to one that the plan retires.
    """
    changed = {change.key for change in plan.changes}
    for key, target in dangling_after(live.resources, plan.changes):
        last_change = live.last_changes.get(key if target in changed else target)
        yield Stale(key, f"{target} active", "not active", last_change)


def impact_increased(plan: Plan, current: Plan) -> Iterator[Stale]:
    """Yield the workflows that would strand more tickets, or get more stuck, than was planned.

    Also yields the settings that would make other groups public than was planned.

    Tickets change all the time, so only more harm than was reviewed makes a plan stale. Less harm
    does not, nor does the number of tickets that gain or lose a transition.

    Args:
        plan: the plan as it was reviewed.
        current: the same plan with its current impact.

    """
    for planned, now in zip(plan.changes, current.changes, strict=True):
        for word, before, after in (
            ("stranded", planned.impact.stranded.tickets, now.impact.stranded.tickets),
            ("stuck", planned.impact.stuck.tickets, now.impact.stuck.tickets),
        ):
            if after > before:
                before_text, after_text = (
                    f"{plural(count, 'live ticket')} {word}" for count in (before, after)
                )
                yield Stale(planned.key, before_text, after_text)
        if more := set(now.impact.published) - set(planned.impact.published):
            public = ", ".join(sorted(more))
            yield Stale(planned.key, "other groups public", f"also public: {public}")


def _state_of(resource: Resource | None) -> str:
    """Return the state of a resource in words that differ if two declarations do."""
    if resource is None:
        return "never declared"
    return f"{'retired' if resource.retired else 'declared'} as {resource.digest[:12]}"
