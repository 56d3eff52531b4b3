"""The stored columns that follow from declarations, so that statements parse none. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from engine.declaration.models import CatalogItem, Switch
from engine.resources.resource import Kind, Resource, is_active

ColumnValue: TypeAlias = str | int | bool | None


class DerivedColumn(StrEnum):
    """A stored value that follows from the declaration of a workflow, an item or a setting."""

    DISPLAY_NAME = "display_name"
    POLICY = "policy"
    AUTO_CLOSE = "auto_close"
    REVISION = "revision"
    """The number of the latest revision, which follows from the revisions of the workflow."""
    REVISION_POLICY = "revision_policy"
    """The policy in the active revision."""
    CATEGORY = "category"
    WORKFLOW = "workflow"
    ENABLED = "enabled"
    """Whether the declaration switches ticketing on."""


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """A stored value that differs from the one that follows from the declaration.

    Attributes:
        stored: the value that the database enforces or shows.
        declared: the value that follows from the declaration.

    """

    column: DerivedColumn
    stored: ColumnValue
    declared: ColumnValue


def derived_columns(resource: Resource) -> dict[DerivedColumn, ColumnValue]:
    """Return the values that follow from a declaration."""
    if resource.key.kind is Kind.WORKFLOW:
        own_period = resource.workflow.auto_close
        policy = resource.compiled.policy
        columns: dict[DerivedColumn, ColumnValue] = {
            DerivedColumn.DISPLAY_NAME: resource.compiled.display_name,
            DerivedColumn.POLICY: policy,
            DerivedColumn.AUTO_CLOSE: own_period.after_resolved if own_period else None,
        }
        # A retired workflow gets no revision, so that of its last one stays as it is.
        return columns if resource.retired else columns | {DerivedColumn.REVISION_POLICY: policy}
    match resource.model if resource.key.kind in {Kind.ITEM, Kind.SETTING} else None:
        case CatalogItem() as item:
            return {DerivedColumn.CATEGORY: item.category, DerivedColumn.WORKFLOW: item.workflow}
        case Switch() as switch:
            return {DerivedColumn.ENABLED: switch.enabled if is_active(resource) else True}
        case _:
            return {}


def column_drift(
    resource: Resource, stored: Mapping[DerivedColumn, ColumnValue], latest_revision: ColumnValue
) -> Iterator[ColumnDrift]:
    """Yield the stored values of a resource that differ from those that follow from it.

    Args:
        resource: the resource.
        stored: its stored values.
        latest_revision: of a workflow.

    """
    declared = derived_columns(resource)
    if resource.key.kind is Kind.WORKFLOW:
        declared |= {DerivedColumn.REVISION: latest_revision}
    for column, value in declared.items():
        if stored[column] != value:
            yield ColumnDrift(column, stored[column], value)
