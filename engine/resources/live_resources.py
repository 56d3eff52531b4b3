"""The resources in a database, their last changes and their drift. Pure."""

from dataclasses import dataclass, field
from datetime import datetime

from engine.resources.derived_columns import ColumnDrift
from engine.resources.resource import Key, Resource


@dataclass(frozen=True, slots=True)
class LastChange:
    """When a resource was last changed, by whom, from which source, and by which reconciliation."""

    at: datetime
    by: str
    source: str
    reconciliation: int


@dataclass(frozen=True, slots=True)
class LiveResources:
    """The resources in the database, retired ones included.

    Attributes:
        last_changes: of each resource.
        drift: the stored values that differ from the declaration, of resources that have any.

    """

    resources: dict[Key, Resource]
    last_changes: dict[Key, LastChange]
    drift: dict[Key, tuple[ColumnDrift, ...]] = field(default_factory=dict)
