"""The rules that span several fields of a declaration.

They check the values as written, not the models, so that an invalid field does not hide findings
about others. Paths are relative to the section.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from engine.declaration.calendar_checks import check_calendar
from engine.declaration.document import YamlDocument
from engine.declaration.durations import parse_duration
from engine.declaration.references import check_references
from engine.declaration.scalars import describe_value
from engine.declaration.sla_models import PrioritySla
from engine.declaration.source_map import Path, Value, items_at, value_at
from engine.declaration.status_page_checks import check_status_page
from engine.findings import Finding
from engine.vocabulary import STATUSES, Priority

_LISTS: Final[tuple[tuple[Path, Path], ...]] = (
    (("defaultWorkflows",), ()),
    (("workflows",), ("name",)),
    (("catalog", "categories"), ("name",)),
    (("catalog", "items"), ("name",)),
    (("services",), ("path",)),
    (("groups",), ()),
    (("onBehalf",), ()),
    (("calendars",), ("name",)),
    (("webhooks",), ("name",)),
    (("slaTargets",), ("slaGroup",)),
    (("maintenance",), ("name",)),
)
"""The lists with unique names, and the path to the name in an item."""


def check_section(document: YamlDocument, section: Value) -> Iterator[Finding]:
    """Yield the findings of all rules."""
    for path, name in _LISTS:
        yield from _check_names(document, section, path, name)
    for index, workflow in enumerate(items_at(section, ("workflows",))):
        path = ("workflows", index, "transitions")
        if value_at(workflow, ("transitions",)) == []:
            message = "A workflow must have at least one transition."
            yield Finding("no_transitions", message, document.location(path))
        yield from _check_transitions(document, path, items_at(workflow, ("transitions",)))
    for index, calendar in enumerate(items_at(section, ("calendars",))):
        yield from check_calendar(document, ("calendars", index), calendar)
    for index, webhook in enumerate(items_at(section, ("webhooks",))):
        if value_at(webhook, ("events",)) == []:
            message = "A webhook must have at least one event; to receive all, omit `events`."
            yield Finding("no_events", message, document.location(("webhooks", index, "events")))
    yield from check_status_page(document, section)
    yield from _check_targets(document, section)
    yield from check_references(document, section)


def _check_targets(document: YamlDocument, section: Value) -> Iterator[Finding]:
    """Yield the SLA targets whose response time is longer than their resolution time."""
    for priority in Priority:
        targets, default = value_at(section, ("sla", priority)), PrioritySla().of(priority)
        yield from _check_order(
            document,
            ("sla", str(priority)),
            value_at(targets, ("response",)) or default.response,
            value_at(targets, ("resolution",)) or default.resolution,
        )
    for index, item in enumerate(items_at(section, ("catalog", "items"))):
        times = (value_at(item, ("sla", name)) for name in ("response", "resolution"))
        yield from _check_order(document, ("catalog", "items", index, "sla"), *times)


def _check_order(
    document: YamlDocument, path: Path, response: Value, resolution: Value
) -> Iterator[Finding]:
    with suppress(ValueError):  # an invalid duration is another finding
        first, second = (parse_duration(str(each)) for each in (response, resolution))
        if first > second:
            message = (
                f"The response target {response} is longer than the resolution target {resolution}."
            )
            yield Finding("response_after_resolution", message, document.location(path))


def _check_names(
    document: YamlDocument, section: Value, path: Path, name_path: Path
) -> Iterator[Finding]:
    """Yield a finding for every name that an earlier item of the list has."""
    first: dict[str, int] = {}
    for index, item in enumerate(items_at(section, path)):
        name = value_at(item, name_path)
        if isinstance(name, str) and first.setdefault(name, index) != index:
            earlier = document.location((*path, first[name], *name_path))
            message = f"{describe_value(name)} is already declared at {earlier}."
            at = document.location((*path, index, *name_path))
            yield Finding("duplicate_name", message, at)


def _check_transitions(
    document: YamlDocument, path: Path, transitions: list[Value]
) -> Iterator[Finding]:
    """Yield the transitions from a status to itself, and those that are declared twice."""
    first: dict[str, int] = {}
    for index, transition in enumerate(transitions):
        source, target = value_at(transition, ("from",)), value_at(transition, ("to",))
        if source not in STATUSES or target not in STATUSES:
            continue
        at, pair = document.location((*path, index)), f"{source} -> {target}"
        if source == target:
            yield Finding("self_transition", f"{pair} changes nothing; remove it.", at)
        if first.setdefault(pair, index) != index:
            earlier = document.location((*path, first[pair]))
            message = f"{pair} is already declared at {earlier}; to allow both roles, use any."
            yield Finding("duplicate_transition", message, at)
