"""The resources that values files declare, and where."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.declaration.parse import Declaration, build_declaration
from engine.findings import Location
from engine.gc_pause import gc_paused
from engine.resources.resource import (
    AUTO_CLOSE,
    ENABLED,
    GROUPS,
    MAINTENANCE,
    ON_BEHALF,
    SLA,
    SLA_TARGETS,
    STATUS_PAGE,
    VISIBILITY,
    Key,
    Kind,
    Snapshot,
    declared_resources,
)
from reconciler.ignored_arguments import ignored_arguments
from reconciler.values import ValuesInput, read_values


@dataclass(frozen=True, slots=True)
class Desired:
    """The desired resources.

    Attributes:
        resources: every resource that is to be active.
        locations: where resources are declared; defaults have no location.
        files: the values files and the arguments that the resources were read from.
        approved_plan: the approval of the plan that the values let through; empty if none.

    """

    resources: Snapshot
    locations: Mapping[Key, Location] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    approved_plan: str = ""


@gc_paused()
def read_desired(values: ValuesInput) -> Desired:
    """Return the resources that values files declare.

    Raises:
        InvalidInput: the input is too large, or (InvalidDeclaration) has errors.

    """
    document = read_values(values)
    findings = (*document.findings, *ignored_arguments(values))
    declaration = build_declaration(replace(document, findings=findings))
    ticketing = declaration.ticketing
    return Desired(
        declared_resources(ticketing),
        _locations(declaration),
        values.names,
        ticketing.approved_plan,
    )


def _locations(declaration: Declaration) -> dict[Key, Location]:
    """Return where each declared resource is declared."""
    ticketing, catalog = declaration.ticketing, declaration.ticketing.catalog
    lists = (
        (Kind.WORKFLOW, ("workflows",), [each.name for each in ticketing.workflows]),
        (Kind.CATEGORY, ("catalog", "categories"), [each.name for each in catalog.categories]),
        (Kind.CALENDAR, ("calendars",), [each.name for each in ticketing.calendars]),
        (Kind.ITEM, ("catalog", "items"), [each.name for each in catalog.items]),
        (Kind.SERVICE, ("services",), [each.path for each in ticketing.services]),
        (Kind.WEBHOOK, ("webhooks",), [each.name for each in ticketing.webhooks]),
    )
    locations = {
        Key(kind, name): declaration.location(*path, index)
        for kind, path, names in lists
        for index, name in enumerate(names)
    }
    settings = (
        (ENABLED, "enabled", ("enabled",)),
        (AUTO_CLOSE, "auto_close", ("autoClose", "afterResolved")),
        (SLA, "sla", ("sla",)),
        (VISIBILITY, "visibility", ("visibility",)),
        (GROUPS, "groups", ("groups",)),
        (ON_BEHALF, "on_behalf", ("onBehalf",)),
        (SLA_TARGETS, "sla_targets", ("slaTargets",)),
        (STATUS_PAGE, "status_page", ("statusPage",)),
        (MAINTENANCE, "maintenance", ("maintenance",)),
    )
    return locations | {
        Key(Kind.SETTING, name): declaration.location(*path)
        for name, field_name, path in settings
        if field_name in ticketing.model_fields_set
    }
