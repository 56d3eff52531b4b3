"""The rule that every name that a declaration refers to must exist."""

from collections.abc import Iterator
from typing import Final

from engine import limits
from engine.declaration.document import YamlDocument
from engine.declaration.models import DefaultWorkflow, Service
from engine.declaration.scalars import describe_value
from engine.declaration.sla_models import ALWAYS
from engine.declaration.source_map import Path, Value, items_at, value_at
from engine.findings import Finding, Location, did_you_mean
from engine.vocabulary import Priority

_OUTAGE_WORKFLOW: Final = Service.model_fields["workflow"].get_default()
_NOUNS: Final = {"slaGroup": "group", "groups": "group", "services": "service"}
"""What a field names, if that is not the name of the field."""
_DEFAULT_WORKFLOWS: Final = frozenset(map(str, DefaultWorkflow))


def check_references(document: YamlDocument, section: Value) -> Iterator[Finding]:
    """Yield a finding for every reference to a name that does not exist."""
    categories = _names(section, ("catalog", "categories"))
    calendars = _names(section, ("calendars",)) | {ALWAYS}
    workflows = _names(section, ("workflows",)) | _chosen_defaults(section)
    for index, item in enumerate(items_at(section, ("catalog", "items"))):
        path: Path = ("catalog", "items", index)
        yield from _unresolved(document, path, item, ("category",), categories)
        yield from _unresolved(document, path, item, ("workflow",), workflows)
        yield from _unresolved(document, path, item, ("sla", "calendar"), calendars)
    for priority in map(str, Priority):
        targets = value_at(section, ("sla", priority))
        yield from _unresolved(document, ("sla", priority), targets, ("calendar",), calendars)
    for index, service in enumerate(items_at(section, ("services",))):
        path = ("services", index)
        yield from _unresolved(document, path, service, ("workflow",), workflows)
        opens_tickets = value_at(service, ("autoTicket",)) is True
        uses_default = value_at(service, ("workflow",)) is None
        if opens_tickets and uses_default and _OUTAGE_WORKFLOW not in workflows:
            at = document.location((*path, "autoTicket"))
            yield _unknown_name("workflow", _OUTAGE_WORKFLOW, at, workflows)
    yield from _check_status_page(document, section, calendars)


def _check_status_page(
    document: YamlDocument, section: Value, calendars: frozenset[str]
) -> Iterator[Finding]:
    """Yield the references of uptime targets and maintenance windows that name nothing."""
    services = items_at(section, ("services",))
    paths, groups = (
        frozenset(name for each in services if isinstance(name := value_at(each, field), str))
        for field in (("path",), ("slaGroup",))
    )
    for index, target in enumerate(items_at(section, ("slaTargets",))):
        path: Path = ("slaTargets", index)
        yield from _unresolved(document, path, target, ("calendar",), calendars)
        yield from _unresolved(document, path, target, ("slaGroup",), groups)
    for index, window in enumerate(items_at(section, ("maintenance",))):
        for field, names in (("groups", groups), ("services", paths)):
            for position, name in enumerate(items_at(window, (field,))):
                path = ("maintenance", index, field, position)
                yield from _missing(document, path, name, names)


def _unresolved(
    document: YamlDocument, path: Path, holder: Value, field: Path, names: frozenset[str]
) -> Iterator[Finding]:
    """Yield a finding if a field of the value at `path` refers to none of `names`."""
    yield from _missing(document, (*path, *field), value_at(holder, field), names)


def _missing(
    document: YamlDocument, path: Path, name: Value, names: frozenset[str]
) -> Iterator[Finding]:
    """Yield a finding if the value at `path` is the name of nothing."""
    if isinstance(name, str) and name not in names:
        key = next(step for step in reversed(path) if isinstance(step, str))
        yield _unknown_name(_NOUNS.get(key, key), name, document.location(path), names)


def _unknown_name(noun: str, name: str, at: Location, names: frozenset[str]) -> Finding:
    # A search for similar names among very many would take too long.
    known = names if len(names) <= limits.HINT_NAMES else ()
    hint = did_you_mean(name[: limits.NAME_CHARACTERS], known)
    message = f"There is no {noun} {describe_value(name)}. Declare it or use another one.{hint}"
    return Finding(f"unknown_{noun}", message, at)


def _names(section: Value, path: Path) -> frozenset[str]:
    """Return the names of the items of the list at `path`."""
    names = (value_at(item, ("name",)) for item in items_at(section, path))
    return frozenset(name for name in names if isinstance(name, str))


def _chosen_defaults(section: Value) -> frozenset[str]:
    """Return the names of the default workflows that the section uses."""
    match value_at(section, ("defaultWorkflows",)):
        case False:
            return frozenset()
        case list(names):
            return _DEFAULT_WORKFLOWS.intersection(each for each in names if isinstance(each, str))
        case _:
            return _DEFAULT_WORKFLOWS
