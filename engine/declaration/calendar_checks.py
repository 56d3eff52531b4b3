"""The rules that span several fields of a calendar."""

from collections.abc import Iterator

from engine.calendars import MIDNIGHT, WEEKDAYS, Shift
from engine.declaration.document import YamlDocument
from engine.declaration.shifts import parse_shift
from engine.declaration.sla_models import ALWAYS
from engine.declaration.source_map import Path, Value, items_at, value_at
from engine.findings import Finding


def check_calendar(document: YamlDocument, path: Path, calendar: Value) -> Iterator[Finding]:
    """Yield the findings about the calendar at `path`."""
    if value_at(calendar, ("name",)) == ALWAYS:
        message = f"The name {ALWAYS} is reserved for the built-in calendar; use another name."
        yield Finding("reserved_name", message, document.location((*path, "name")))
    hours = value_at(calendar, ("hours",))
    if isinstance(hours, dict) and not any(hours.values()):
        message = "A calendar must have working hours on at least one weekday."
        yield Finding("no_hours", message, document.location((*path, "hours")))
    for day in WEEKDAYS:
        yield from _check_day(document, (*path, "hours", day), items_at(hours, (day,)))


def _check_day(document: YamlDocument, path: Path, texts: list[Value]) -> Iterator[Finding]:
    """Yield the shifts of a day that start before an earlier one ends."""
    earlier: Shift | None = None
    for index, text in enumerate(texts):
        try:
            shift = parse_shift(text if isinstance(text, str) else "")
        except ValueError:  # the models report it
            continue
        if earlier and (earlier.end == MIDNIGHT or shift.start < earlier.end):
            message = f"{shift} starts before {earlier} ends; sort the shifts, without overlaps."
            yield Finding("overlapping_hours", message, document.location((*path, index)))
        earlier = shift
