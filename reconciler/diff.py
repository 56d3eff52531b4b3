"""What must change for the live resources to become the desired ones. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.gc_pause import gc_paused
from engine.resources.resource import Key, Resource, Snapshot, in_order


class Action(StrEnum):
    """What happens to a resource."""

    CREATE = "create"
    UPDATE = "update"
    RETIRE = "retire"
    REVIVE = "revive"


@dataclass(frozen=True, slots=True)
class Change:
    """One resource becomes another.

    Attributes:
        before: None if there was none of that name ever.
        after: what it becomes; never removed, at most retired.

    """

    before: Resource | None
    after: Resource

    @property
    def key(self) -> Key:
        """Which resource it is about."""
        return self.after.key

    @property
    def action(self) -> Action:
        """What happens to it."""
        if self.before is None:
            return Action.CREATE
        if self.after.retired:
            return Action.RETIRE
        return Action.REVIVE if self.before.retired else Action.UPDATE

    @property
    def inverse(self) -> "Change":
        """The change that undoes this one; what was created is retired, as nothing is removed."""
        return Change(self.after, self.before or replace(self.after, retired=True))


@gc_paused()
def diff(live: Snapshot, desired: Snapshot) -> tuple[Change, ...]:
    """Return the changes, each after those that it may refer to; none if nothing must change.

    What is desired and new is created, what differs is updated, what is live and no longer desired
    is retired, and what was retired and is desired again is revived.
    """
    keys = in_order({*live, *desired})
    changes = (change_of(live.get(key), desired.get(key)) for key in keys)
    return tuple(change for change in changes if change is not None)


def change_of(live: Resource | None, desired: Resource | None) -> Change | None:
    """Return the change of one resource, if there is one."""
    if desired is not None:
        return None if live == desired else Change(live, desired)
    if live is None or live.retired:
        return None
    return Change(live, replace(live, retired=True))


def applied(live: Snapshot, changes: Iterable[Change]) -> Snapshot:
    """Return what the live resources become by these changes."""
    return {**live, **{change.key: change.after for change in changes}}
