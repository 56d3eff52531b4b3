"""Short constructors of resources."""

from dataclasses import replace

from engine.declaration.models import (
    AutoClose,
    CatalogItem,
    Category,
    Groups,
    OnBehalf,
    Readers,
    Service,
    Switch,
    Webhook,
    Workflow,
)
from engine.declaration.sla_models import PrioritySla, WorkingCalendar
from engine.declaration.status_page_models import GroupTargets, StatusPage
from engine.resources.resource import (
    AUTO_CLOSE,
    ENABLED,
    GROUPS,
    ON_BEHALF,
    SLA,
    SLA_TARGETS,
    STATUS_PAGE,
    VISIBILITY,
    Key,
    Kind,
    Resource,
)

Transitions = dict[tuple[str, str], str]


def workflow(name: str, transitions: Transitions, display_name: str | None = None) -> Resource:
    """Return a workflow with these transitions."""
    declared: dict[str, object] = {
        "name": name,
        "displayName": display_name,
        "transitions": [
            {"from": source, "to": target, "role": role}
            for (source, target), role in transitions.items()
        ],
    }
    return Resource.of(Kind.WORKFLOW, name, Workflow.model_validate(declared))


def category(name: str, display_name: str, icon: str | None = None) -> Resource:
    declared = Category.model_validate({"name": name, "displayName": display_name, "icon": icon})
    return Resource.of(Kind.CATEGORY, name, declared)


def item(name: str, workflow_name: str, category_name: str, **more: object) -> Resource:
    declared = {
        "name": name,
        "displayName": name.replace("_", " ").title(),
        "category": category_name,
        "workflow": workflow_name,
    }
    return Resource.of(Kind.ITEM, name, CatalogItem.model_validate(declared | more))


def service(path: str, group: str, *, auto_ticket: bool = False) -> Resource:
    declared = {"path": path, "slaGroup": group, "autoTicket": auto_ticket}
    return Resource.of(Kind.SERVICE, path, Service.model_validate(declared))


def auto_close(after: str) -> Resource:
    declared = AutoClose.model_validate({"afterResolved": after})
    return Resource.of(Kind.SETTING, AUTO_CLOSE, declared)


def calendar(name: str, *hours: str, **more: object) -> Resource:
    """Return a calendar with these hours on Mondays."""
    declared = {"name": name, "timeZone": "Europe/Budapest", "hours": {"monday": list(hours)}}
    return Resource.of(Kind.CALENDAR, name, WorkingCalendar.model_validate(declared | more))


def switch(*, enabled: bool) -> Resource:
    return Resource.of(Kind.SETTING, ENABLED, Switch(enabled=enabled))


def webhook(name: str, url: str, *events: str) -> Resource:
    """Return a webhook for these events; without an argument, for all events."""
    declared = {"name": name, "url": url, "secretName": "hooks", "events": list(events) or None}
    return Resource.of(Kind.WEBHOOK, name, Webhook.model_validate(declared))


def sla(**priorities: object) -> Resource:
    return Resource.of(Kind.SETTING, SLA, PrioritySla.model_validate(priorities))


def visibility(readers: str) -> Resource:
    return Resource.of(Kind.SETTING, VISIBILITY, Readers.model_validate({"readers": readers}))


def groups(*names: str) -> Resource:
    return Resource.of(Kind.SETTING, GROUPS, Groups(groups=names))


def on_behalf(*names: str) -> Resource:
    return Resource.of(Kind.SETTING, ON_BEHALF, OnBehalf(groups=names))


def sla_targets(*groups: str) -> Resource:
    """Return the uptime target 99.9 for each of these groups."""
    targets = [
        {"slaGroup": each, "displayName": each.title(), "uptimeTarget": 99.9} for each in groups
    ]
    declared = GroupTargets.model_validate({"targets": targets})
    return Resource.of(Kind.SETTING, SLA_TARGETS, declared)


def status_page(*, enabled: bool, **more: object) -> Resource:
    declared = StatusPage.model_validate({"enabled": enabled} | more)
    return Resource.of(Kind.SETTING, STATUS_PAGE, declared)


def retired(resource: Resource) -> Resource:
    return replace(resource, retired=True)


def snapshot(*resources: Resource) -> dict[Key, Resource]:
    return {each.key: each for each in resources}
