"""The rules of the status page and of maintenance windows that span several fields."""

import re
from collections.abc import Iterator
from contextlib import suppress

from engine.declaration.contrast import (
    COLOR_PATTERN,
    LEAST_CONTRAST,
    WHITE,
    Color,
    contrast,
    nearest_dark,
)
from engine.declaration.document import YamlDocument
from engine.declaration.source_map import Path, Value, items_at, value_at
from engine.declaration.times import parse_time
from engine.findings import Finding


def check_status_page(document: YamlDocument, section: Value) -> Iterator[Finding]:
    """Yield the findings about the status page and about maintenance windows."""
    accent = value_at(section, ("statusPage", "accentColor"))
    if isinstance(accent, str) and re.fullmatch(COLOR_PATTERN, accent):
        yield from _check_accent(document, Color.parse(accent))
    for index, window in enumerate(items_at(section, ("maintenance",))):
        yield from _check_window(document, ("maintenance", index), window)


def _check_accent(document: YamlDocument, accent: Color) -> Iterator[Finding]:
    """Yield a finding if white text on a colour is hard to read."""
    found = contrast(accent, WHITE)
    if found < LEAST_CONTRAST:
        message = (
            f"White text on {accent} has the contrast {found:.1f}, less than {LEAST_CONTRAST}:"
            f" many readers cannot read it. The nearest colour is {nearest_dark(accent)}."
        )
        yield Finding("low_contrast", message, document.location(("statusPage", "accentColor")))


def _check_window(document: YamlDocument, path: Path, window: Value) -> Iterator[Finding]:
    if not isinstance(window, dict):
        return
    if not window.get("groups") and not window.get("services"):
        message = "A maintenance window must name at least one group or service."
        yield Finding("no_scope", message, document.location(path))
    with suppress(ValueError):  # an invalid time is another finding
        start, end = (parse_time(str(window.get(name))) for name in ("start", "end"))
        if end <= start:
            message = f"The maintenance window ends at {window['end']}, before it starts."
            yield Finding("wrong_window", message, document.location((*path, "end")))
