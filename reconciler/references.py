"""Which resources a resource refers to by name. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from engine.declaration.models import CatalogItem, Service
from engine.declaration.sla_models import ALWAYS, PrioritySla
from engine.declaration.status_page_models import GroupTargets
from engine.resources.resource import Key, Kind, Resource, Snapshot, is_active
from engine.vocabulary import Priority
from reconciler.diff import Change, apply_changes

_REFERRING_KINDS: Final = frozenset({Kind.ITEM, Kind.SERVICE, Kind.SETTING})
"""Resources of other kinds are not parsed; there can be many."""


def references_of(resource: Resource) -> tuple[Key, ...]:
    """Return the keys of the resources that a resource refers to."""
    match resource.model if resource.key.kind in _REFERRING_KINDS else None:
        case CatalogItem() as item:
            return (
                Key(Kind.CATEGORY, item.category),
                Key(Kind.WORKFLOW, item.workflow),
                *_calendars((item.sla and item.sla.calendar) or ALWAYS),
            )
        case PrioritySla() as sla:
            return _calendars(*(sla.of(priority).calendar for priority in Priority))
        case GroupTargets() as uptime:
            return _calendars(*(each.calendar for each in uptime.targets))
        case Service(auto_ticket=True) as service:
            return (Key(Kind.WORKFLOW, service.workflow),)
        case _:
            return ()


def _calendars(*names: str) -> tuple[Key, ...]:
    """Return the keys of calendars, each once, without the predefined one."""
    return tuple(Key(Kind.CALENDAR, name) for name in sorted({*names} - {ALWAYS}))


def dangling_after(live: Snapshot, changes: Sequence[Change]) -> Iterator[tuple[Key, Key]]:
    """Yield the dangling references after changes that lead from or to a changed resource."""
    changed = {change.key for change in changes}
    for key, target in dangling_references(apply_changes(live, changes)):
        if changed & {key, target}:
            yield key, target


def dangling_references(snapshot: Snapshot) -> Iterator[tuple[Key, Key]]:
    """Yield each reference from an active resource to one that is not active."""
    for key, resource in snapshot.items():
        if is_active(resource):
            for target in references_of(resource):
                if not is_active(snapshot.get(target)):
                    yield key, target
