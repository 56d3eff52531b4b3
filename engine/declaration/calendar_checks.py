"""The rules of a calendar that no single field can know."""

from collections.abc import Iterator
from typing import Final

from engine.calendars import MIDNIGHT, WEEKDAYS, Shift
from engine.declaration.document import YamlDocument
from engine.declaration.models import SECTION
from engine.declaration.shifts import parse_shift
from engine.declaration.sla_models import ALWAYS
from engine.declaration.source_map import Path, Value, items_at, value_at
from engine.findings import Finding

RESERVED: Final = f"{ALWAYS} is the calendar by which every second counts; choose another name."
NO_HOURS: Final = "A calendar needs working hours on one weekday at least."


def misdeclared(document: YamlDocument, path: Path, calendar: Value) -> Iterator[Finding]:
    """Yield what is wrong with a calendar at `path` beyond the form of its children."""
    if value_at(calendar, ("name",)) == ALWAYS:
        yield Finding("reserved_name", RESERVED, document.location((SECTION, *path, "name")))
    hours = value_at(calendar, ("hours",))
    if isinstance(hours, dict) and not any(hours.values()):
        yield Finding("no_hours", NO_HOURS, document.location((SECTION, *path, "hours")))
    for day in WEEKDAYS:
        yield from out_of_order(document, (*path, "hours", day), items_at(hours, (day,)))


def out_of_order(document: YamlDocument, path: Path, texts: list[Value]) -> Iterator[Finding]:
    """Yield the hours of a day that begin before the earlier ones end."""
    before: Shift | None = None
    for index, text in enumerate(texts):
        found = shift_in(text)
        if found and before and (before.end == MIDNIGHT or found.start < before.end):
            message = f"{found} begins before {before} ends; write them in order, without overlaps."
            at = document.location((SECTION, *path, index))
            yield Finding("overlapping_hours", message, at)
        before = found or before


def shift_in(text: Value) -> Shift | None:
    """Return hours of the right form; others are told of elsewhere."""
    try:
        return parse_shift(text) if isinstance(text, str) else None
    except ValueError:
        return None
