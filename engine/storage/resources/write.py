"""Write declared resources: activate or retire them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ClauseElement,
    ColumnElement,
    Table,
    bindparam,
    func,
    null,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert

from engine.findings import Location
from engine.resources.derived_columns import DerivedColumn, derived_columns
from engine.resources.resource import Key, Kind, Resource
from engine.storage.postgres.chains import WORKFLOW_REVISIONS, append_to_chain
from engine.storage.postgres.database import Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import plugins, workflows
from engine.storage.resources.plugins import IS_TICKETING
from engine.storage.resources.read import LATEST_REVISION, TABLES


async def write_resources(
    session: Session,
    resources: Iterable[Resource],
    reconciliation: int,
    locations: Mapping[Key, Location] | None = None,
) -> None:
    """Activate or retire each resource, as its state says.

    The rows of each kind are written in one batch, because no user can change tickets meanwhile.

    Args:
        session: a transaction that has locked the tickets exclusively.
        resources: each of them once.
        reconciliation: the number of the reconciliation.
        locations: where resources are declared; revisions of workflows keep it.

    """
    locations = locations or {}
    groups: dict[tuple[Kind, bool], list[Resource]] = defaultdict(list)
    for resource in resources:
        groups[resource.key.kind, resource.retired].append(resource)
    kinds = list(Kind)  # each kind comes after those that it refers to
    for kind, is_retired in sorted(groups, key=lambda group: kinds.index(group[0])):
        members = groups[kind, is_retired]
        rows = [_columns(each) | {"reconciliation": reconciliation} for each in members]
        if kind is Kind.WORKFLOW and not is_retired:
            revisions = [
                {"workflow": each.key.name}
                | {column: row[column] for column in _REVISION_COLUMNS}
                | _location_columns(locations.get(each.key))
                for each, row in zip(members, rows, strict=True)
            ]
            numbers = await append_to_chain(session, WORKFLOW_REVISIONS, revisions)
            rows = [row | {"revision": number} for row, number in zip(rows, numbers, strict=True)]
        await session.run_each(_statement(kind, is_retired=is_retired), rows)
        await session.run_each(
            _DECLARE_TICKETING, [row for row in rows if DerivedColumn.ENABLED in row]
        )


def _columns(resource: Resource) -> dict[str, object]:
    """Return the parameters of the statements for a resource."""
    own = {"name": resource.key.name, "declaration": resource.declaration}
    return own | {column.value: value for column, value in derived_columns(resource).items()}


def _location_columns(at: Location | None) -> dict[str, object]:
    return {"file": at and at.file, "line": at and at.line}


# --- statements ---------------------------------------------------------------------------------


def _upsert(table: Table, values: dict[str, ClauseElement], *, is_retired: bool) -> Insert:
    """Insert or update the row with the key `name`, as active or retired."""
    key = next(iter(table.primary_key.columns)).name
    columns = values | {"retired_at": func.clock_timestamp() if is_retired else null()}
    statement = insert(table).values({key: bindparam("name")} | columns)
    excluded: dict[str, ColumnElement[Any]] = {name: statement.excluded[name] for name in columns}
    if is_retired:
        excluded["retired_at"] = func.coalesce(table.c.retired_at, excluded["retired_at"])
    return statement.on_conflict_do_update(index_elements=[key], set_=excluded)


def _parameters(*columns: str) -> dict[str, ClauseElement]:
    """Return columns that take the parameters of the same names (see `_columns`)."""
    return {column: bindparam(column) for column in columns}


_REFERENCES: Final = {Kind.ITEM: ("category", "workflow")}
"""The columns of a kind that refer to other resources."""
_REVISION_COLUMNS: Final = ("declaration", "policy", "reconciliation")
_ACTIVATE_WORKFLOW: Final = Statement.of(
    _upsert(
        workflows,
        _parameters("display_name", "policy", "auto_close", "revision", "reconciliation"),
        is_retired=False,
    )
)
_RETIRE_WORKFLOW: Final = Statement.of(
    update(workflows)
    .where(workflows.c.name == bindparam("name"))
    .values(
        _parameters("display_name", "policy", "auto_close", "reconciliation")
        | {
            "revision": LATEST_REVISION,
            "retired_at": func.coalesce(workflows.c.retired_at, func.clock_timestamp()),
        }
    )
)


_DECLARE_TICKETING: Final = Statement.of(
    update(plugins)
    .where(IS_TICKETING)
    .values(declared=bindparam(DerivedColumn.ENABLED, type_=Boolean))
)
"""Copies the setting `enabled` to the plugin that changes of tickets check."""


@cache
def _statement(kind: Kind, *, is_retired: bool) -> Statement:
    """Return the statement that writes a resource."""
    if kind is Kind.WORKFLOW:
        return _RETIRE_WORKFLOW if is_retired else _ACTIVATE_WORKFLOW
    values = _parameters("declaration", "reconciliation", *_REFERENCES.get(kind, ()))
    return Statement.of(_upsert(TABLES[kind], values, is_retired=is_retired))
