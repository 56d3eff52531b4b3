"""The tickets that keep the assignee group which an item or a service had before a plan. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from engine.declaration.fields import Declared
from engine.declaration.models import CatalogItem, Service
from engine.resources.resource import Key
from reconciler.diff import Change
from reconciler.impact import NO_IMPACT, AffectedTickets, Impact


def former_groups(changes: Iterable[Change]) -> dict[Key, str | None]:
    """Return the former group of each item and service whose group changes.

    A ticket has the group that was declared when it was opened; None is no group.
    """
    return {
        change.key: _group_of(change.before.model)
        for change in changes
        if change.before is not None
        and not change.after.retired
        and _group_of(change.before.model) != _group_of(change.after.model)
    }


def _group_of(declared: Declared) -> str | None:
    match declared:
        case CatalogItem():
            return declared.defaults.assignee_group
        case Service():
            return declared.sla_group
        case _:
            return None


def with_keeping_tickets(
    impacts: Mapping[Key, Impact], keeping: Mapping[Key, AffectedTickets]
) -> dict[Key, Impact]:
    """Return impacts with the tickets that keep former groups."""
    return {
        **impacts,
        **{
            key: replace(impacts.get(key, NO_IMPACT), keeping=tickets)
            for key, tickets in keeping.items()
        },
    }
