"""What settings declare, and which changes of them affect all tickets. Pure."""

from typing import Final

from engine.declaration.models import AutoClose, OnBehalf, Readers, Switch
from engine.resources.derived_columns import DerivedColumn
from engine.resources.resource import (
    AUTO_CLOSE,
    ENABLED,
    ON_BEHALF,
    VISIBILITY,
    Key,
    Kind,
    Resource,
    is_active,
)
from engine.vocabulary import Visibility
from reconciler.diff import Change

ENABLED_KEY: Final = Key(Kind.SETTING, ENABLED)
AUTO_CLOSE_KEY: Final = Key(Kind.SETTING, AUTO_CLOSE)
VISIBILITY_KEY: Final = Key(Kind.SETTING, VISIBILITY)
_ON_BEHALF_KEY: Final = Key(Kind.SETTING, ON_BEHALF)


def declares_on(setting: Resource | None) -> bool:
    """Return whether a setting switches ticketing on; without an active one, it is on."""
    declared = setting.model if is_active(setting) else None
    return declared.enabled if isinstance(declared, Switch) else True


def declared_readers(setting: Resource | None) -> Visibility:
    """Return who can read tickets under a setting; without an active one, everyone."""
    declared = setting.model if is_active(setting) else None
    return declared.readers if isinstance(declared, Readers) else Visibility.EVERYONE


def declared_auto_close(setting: Resource | None) -> AutoClose:
    """Return the grace period of all workflows; without an active setting, the default."""
    declared = setting.model if is_active(setting) else None
    return declared if isinstance(declared, AutoClose) else AutoClose()


def switches_off(change: Change) -> bool:
    """Return whether a change declares ticketing off that was declared on."""
    if change.key != ENABLED_KEY or change.before is None:
        return False
    stored = change.stored(DerivedColumn.ENABLED)
    is_on = declares_on(change.before) if stored is None else bool(stored)
    return is_on and not declares_on(change.after)


def exposes_tickets(change: Change) -> bool:
    """Return whether users gain access to tickets that they are not involved in."""
    if change.key != VISIBILITY_KEY:
        return False
    before, after = declared_readers(change.before), declared_readers(change.after)
    return (before, after) == (Visibility.INVOLVED, Visibility.EVERYONE)


def groups_added_to_on_behalf(change: Change) -> list[str]:
    """Return the groups whose members gain the permission to open tickets for other users.

    Nothing is gained by the first declaration, as with a new workflow.
    """
    if change.key != _ON_BEHALF_KEY or change.before is None:
        return []
    return sorted(_on_behalf_groups(change.after) - _on_behalf_groups(change.before))


def _on_behalf_groups(setting: Resource) -> frozenset[str]:
    declared = setting.model if is_active(setting) else None
    return frozenset(declared.groups if isinstance(declared, OnBehalf) else ())
