"""Warns of icons of the catalog that the web UI cannot draw."""

from collections.abc import Collection, Iterator

from engine import limits
from engine.declaration.parse import Declaration
from engine.declaration.scalars import describe_value
from engine.findings import Finding, Severity, did_you_mean


def find_unknown_icons(declaration: Declaration, known: Collection[str]) -> Iterator[Finding]:
    """Yield a warning for each icon that is not among the known names.

    It is no error, because pages show a letter tile instead.
    """
    catalog = declaration.ticketing.catalog
    declared = [
        *((each.icon, "categories", index) for index, each in enumerate(catalog.categories)),
        *((each.icon, "items", index) for index, each in enumerate(catalog.items)),
    ]
    hints: dict[str, str] = {}
    for icon, field, index in declared:
        if icon is None or icon in known:
            continue
        if icon not in hints and len(hints) < limits.ICON_HINTS:
            hints[icon] = did_you_mean(icon, known)
        message = (
            f"There is no Material icon {describe_value(icon)}, so pages show a letter tile"
            f" instead.{hints.get(icon, '')}"
        )
        at = declaration.location("catalog", field, index, "icon")
        yield Finding("unknown_icon", message, at, Severity.WARNING)
