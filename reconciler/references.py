"""What resources refer to, and whether that is in force. Pure."""

from collections.abc import Iterator
from typing import Final

from engine.declaration.models import CatalogItem, Service
from engine.declaration.sla_models import ALWAYS, PrioritySla
from engine.resources.resource import Key, Kind, Resource, Snapshot
from engine.vocabulary import Priority
from reconciler.impact import is_in_force

REFERRING: Final = frozenset({Kind.ITEM, Kind.SERVICE, Kind.SETTING})
"""The others are not even read as their models, of which there may be many."""


def references_of(resource: Resource) -> tuple[Key, ...]:
    """Return what a resource refers to by name."""
    match resource.model if resource.key.kind in REFERRING else None:
        case CatalogItem() as item:
            calendar = item.sla.calendar if item.sla else None
            category, workflow = (
                Key(Kind.CATEGORY, item.category),
                Key(Kind.WORKFLOW, item.workflow),
            )
            return category, workflow, *calendars(calendar or ALWAYS)
        case PrioritySla() as sla:
            return calendars(*(sla.of(priority).calendar for priority in Priority))
        case Service(auto_ticket=True) as service:
            return (Key(Kind.WORKFLOW, service.workflow),)
        case _:
            return ()


def calendars(*names: str) -> tuple[Key, ...]:
    """Return the calendars of these names, each once; the one that is always there aside."""
    return tuple(Key(Kind.CALENDAR, name) for name in sorted({*names} - {ALWAYS}))


def dangling(snapshot: Snapshot) -> Iterator[tuple[Key, Key]]:
    """Yield each resource in force with what it refers to that is not in force."""
    for key, resource in snapshot.items():
        if is_in_force(resource):
            for referred in references_of(resource):
                if not is_in_force(snapshot.get(referred)):
                    yield key, referred
