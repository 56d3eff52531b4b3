"""What resources refer to, and whether that is in force. Pure."""

from collections.abc import Iterator
from typing import Final

from engine.workflows.declaration import CatalogItem, Service
from engine.workflows.resources import Key, Kind, Resource, Snapshot
from reconciler.impact import is_in_force

REFERRING: Final = frozenset({Kind.ITEM, Kind.SERVICE})
"""The others are not even read as their models, of which there may be many."""


def references_of(resource: Resource) -> tuple[Key, ...]:
    """Return what a resource refers to by name: a catalog item, or a service that opens tickets."""
    match resource.model if resource.key.kind in REFERRING else None:
        case CatalogItem() as item:
            return Key(Kind.CATEGORY, item.category), Key(Kind.WORKFLOW, item.workflow)
        case Service(auto_ticket=True) as service:
            return (Key(Kind.WORKFLOW, service.workflow),)
        case _:
            return ()


def dangling(snapshot: Snapshot) -> Iterator[tuple[Key, Key]]:
    """Yield each resource in force with what it refers to that is not in force."""
    for key, resource in snapshot.items():
        if is_in_force(resource):
            for referred in references_of(resource):
                if not is_in_force(snapshot.get(referred)):
                    yield key, referred
