"""The changes that make the live resources equal to the desired ones. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from engine.gc_pause import gc_paused
from engine.resources.derived_columns import ColumnDrift, ColumnValue, DerivedColumn
from engine.resources.resource import Key, Kind, Resource, Snapshot, in_order

Drift: TypeAlias = Mapping[Key, tuple[ColumnDrift, ...]]
"""The stored values that differ from the declarations, of resources that have any."""


class Action(StrEnum):
    """What a change does to its resource."""

    CREATE = "create"
    UPDATE = "update"
    RETIRE = "retire"
    REVIVE = "revive"
    REPAIR = "repair"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one resource.

    Attributes:
        before: the live resource; None if no resource ever had this key.
        after: the resource after the change. Resources are retired, never removed.
        repairs: the stored values that differ from the live resource. Every change repairs them.

    """

    before: Resource | None
    after: Resource
    repairs: tuple[ColumnDrift, ...] = ()

    @property
    def key(self) -> Key:
        """The key of the resource."""
        return self.after.key

    @property
    def kind(self) -> Kind:
        """The kind of the resource."""
        return self.key.kind

    @property
    def name(self) -> str:
        """The name of the resource."""
        return self.key.name

    @property
    def action(self) -> Action:
        """What the change does to the resource."""
        if self.before is None:
            return Action.CREATE
        if self.before == self.after:
            return Action.REPAIR
        if self.after.retired:
            return Action.RETIRE
        return Action.REVIVE if self.before.retired else Action.UPDATE

    @property
    def retires_workflow(self) -> bool:
        """Whether the change retires a workflow."""
        return self.kind is Kind.WORKFLOW and self.action is Action.RETIRE

    def stored(self, column: DerivedColumn) -> ColumnValue:
        """Return the stored value that a change repairs; None if it needs no repair."""
        values = (each.stored for each in self.repairs if each.column is column)
        return next(values, None)

    @property
    def before_digest(self) -> str | None:
        """The digest of the live resource; None if no resource ever had this key."""
        return None if self.before is None else self.before.digest

    @property
    def after_digest(self) -> str:
        """The digest of the resource after the change."""
        return self.after.digest

    @property
    def inverse(self) -> "Change":
        """The change that undoes this one. A created resource is retired."""
        return Change(self.after, self.before or replace(self.after, retired=True))


@gc_paused()
def diff(live: Snapshot, desired: Snapshot, drift: Drift | None = None) -> tuple[Change, ...]:
    """Return the changes from the live to the desired resources, in the order to apply them.

    Desired resources that are new are created, those that differ are updated, and those that are
    retired are revived. Live resources that are not desired are retired. Other resources whose
    stored values differ from their declaration are repaired. A change comes after the changes of
    all resources that it can refer to.
    """
    keys = in_order({*live, *desired})
    repairs = drift or {}
    changes = (change_of(live.get(key), desired.get(key), repairs.get(key, ())) for key in keys)
    return tuple(change for change in changes if change is not None)


def change_of(
    live: Resource | None, desired: Resource | None, repairs: tuple[ColumnDrift, ...] = ()
) -> Change | None:
    """Return the change of one resource; None if it stays as it is."""
    if desired is None and live is not None:
        desired = replace(live, retired=True)
    if desired is None or (live == desired and not repairs):
        return None
    return Change(live, desired, repairs)


def apply_changes(live: Snapshot, changes: Iterable[Change]) -> Snapshot:
    """Return the resources as they are after these changes."""
    return {**live, **{change.key: change.after for change in changes}}
