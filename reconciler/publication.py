"""Which groups the public status page shows, and which changes make more of them public. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from engine.declaration.status_page_models import GroupTargets, StatusPage
from engine.resources.resource import SLA_TARGETS, STATUS_PAGE, Key, Kind, Snapshot, is_active
from reconciler.diff import Change, apply_changes

SLA_TARGETS_KEY: Final = Key(Kind.SETTING, SLA_TARGETS)
STATUS_PAGE_KEY: Final = Key(Kind.SETTING, STATUS_PAGE)


def public_groups(snapshot: Snapshot) -> frozenset[str]:
    """Return the groups that the status page shows; none while it is off."""
    page, targets = snapshot.get(STATUS_PAGE_KEY), snapshot.get(SLA_TARGETS_KEY)
    if not is_active(page) or not is_active(targets):
        return frozenset()
    settings, declared = page.model, targets.model
    if not isinstance(settings, StatusPage) or not settings.enabled:
        return frozenset()
    found = declared.targets if isinstance(declared, GroupTargets) else ()
    return frozenset(each.sla_group for each in found)


def published_by(changes: Sequence[Change], live: Snapshot) -> Mapping[Key, tuple[str, ...]]:
    """Return the groups that changes make public, sorted, by the change that does it.

    If a plan both switches the page on and adds groups, the page is what makes them public.
    """
    keys = {change.key for change in changes} & {SLA_TARGETS_KEY, STATUS_PAGE_KEY}
    if not keys:
        return {}
    added = public_groups(apply_changes(live, changes)) - public_groups(live)
    by = STATUS_PAGE_KEY if STATUS_PAGE_KEY in keys else SLA_TARGETS_KEY
    return {by: tuple(sorted(added))} if added else {}
