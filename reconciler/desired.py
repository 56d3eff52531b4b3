"""What values files ask for, and where each of it is declared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.declaration.parse import Declaration
from engine.findings import Location
from engine.gc_pause import gc_paused
from engine.resources.resource import (
    AUTO_CLOSE,
    ENABLED,
    SLA,
    VISIBILITY,
    Key,
    Kind,
    Snapshot,
    declared_resources,
)
from reconciler.values import declare_values


@dataclass(frozen=True, slots=True)
class Desired:
    """What is asked for.

    Attributes:
        resources: everything that shall be in force, nothing else.
        places: where resources are declared; defaults that were only chosen stand nowhere.
        files: the names of the files, and the `--set` and `--set-string` arguments, that it was
            read from.

    """

    resources: Snapshot
    places: Mapping[Key, Location] = field(default_factory=dict)
    files: tuple[str, ...] = ()


@gc_paused()
def desired_in(
    files: Sequence[tuple[str, str]],
    sets: Sequence[str] = (),
    key: str = "",
    *,
    set_strings: Sequence[str] = (),
) -> Desired:
    """Return what values files ask for; the arguments are those of `read_values`.

    Raises:
        InvalidDeclaration: with all that is wrong in any of them.

    """
    declaration = declare_values(files, sets, key, set_strings=set_strings)
    names = (
        *(name for name, _ in files),
        *(f"--set {each}" for each in sets),
        *(f"--set-string {each}" for each in set_strings),
    )
    return Desired(declared_resources(declaration.ticketing), places_of(declaration), names)


def places_of(declaration: Declaration) -> dict[Key, Location]:
    """Return where every declared resource stands."""
    ticketing, catalog = declaration.ticketing, declaration.ticketing.catalog
    lists = (
        (Kind.WORKFLOW, ("workflows",), [each.name for each in ticketing.workflows]),
        (Kind.CATEGORY, ("catalog", "categories"), [each.name for each in catalog.categories]),
        (Kind.CALENDAR, ("calendars",), [each.name for each in ticketing.calendars]),
        (Kind.ITEM, ("catalog", "items"), [each.name for each in catalog.items]),
        (Kind.SERVICE, ("services",), [each.path for each in ticketing.services]),
        (Kind.WEBHOOK, ("webhooks",), [each.name for each in ticketing.webhooks]),
    )
    places = {
        Key(kind, name): declaration.location(*path, index)
        for kind, path, names in lists
        for index, name in enumerate(names)
    }
    settings = (
        (ENABLED, "enabled", ("enabled",)),
        (AUTO_CLOSE, "auto_close", ("autoClose", "afterResolved")),
        (SLA, "sla", ("sla",)),
        (VISIBILITY, "visibility", ("visibility",)),
    )
    return places | {
        Key(Kind.SETTING, name): declaration.location(*path)
        for name, field, path in settings
        if field in ticketing.model_fields_set
    }
