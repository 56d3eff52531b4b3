"""What resources refer to, and whether that is in force. Pure."""

from collections.abc import Iterator

from engine.workflows.declaration import CatalogItem
from engine.workflows.resources import Key, Kind, Resource, Snapshot
from reconciler.impact import is_in_force


def references_of(resource: Resource) -> tuple[Key, ...]:
    """Return what a resource refers to by name; only catalog items do."""
    if resource.key.kind is not Kind.ITEM or not isinstance(resource.model, CatalogItem):
        return ()
    return Key(Kind.CATEGORY, resource.model.category), Key(Kind.WORKFLOW, resource.model.workflow)


def dangling(snapshot: Snapshot) -> Iterator[tuple[Key, Key]]:
    """Yield each resource in force with what it refers to that is not in force."""
    for key, resource in snapshot.items():
        if is_in_force(resource):
            for referred in references_of(resource):
                if not is_in_force(snapshot.get(referred)):
                    yield key, referred
