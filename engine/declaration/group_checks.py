"""Warns of groups that the declaration names, but that `ticketing.groups` does not declare."""

from collections.abc import Iterator

from engine import limits
from engine.declaration.parse import Declaration
from engine.declaration.scalars import describe_value
from engine.findings import Finding, Severity, did_you_mean


def find_undeclared_groups(declaration: Declaration) -> Iterator[Finding]:
    """Yield a warning for each such group, if the declaration has groups at all.

    An item or a service makes its group known, so a misspelt group is accepted: its tickets would
    reach no user. A misspelt group of `onBehalf` would permit nothing to anyone.
    """
    ticketing = declaration.ticketing
    declared = frozenset(ticketing.groups)
    if not declared:
        return
    named = [
        *(
            (each.defaults.assignee_group, ("catalog", "items", index, "defaults", "assigneeGroup"))
            for index, each in enumerate(ticketing.catalog.items)
        ),
        *(
            (each.sla_group, ("services", index, "slaGroup"))
            for index, each in enumerate(ticketing.services)
        ),
        *((each, ("onBehalf", index)) for index, each in enumerate(ticketing.on_behalf)),
    ]
    known = declared if len(declared) <= limits.HINT_NAMES else ()
    for group, path in named:
        if group is not None and group not in declared:
            hint = did_you_mean(group[: limits.NAME_CHARACTERS], known)
            message = f"The group {describe_value(group)} is not in ticketing.groups.{hint}"
            at = declaration.location(*path)
            yield Finding("undeclared_group", message, at, Severity.WARNING)
