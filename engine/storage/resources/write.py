"""Write declared resources: activate or retire them."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Final

from sqlalchemy import (
    JSON,
    Boolean,
    ClauseElement,
    ColumnElement,
    Table,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert

from engine.declaration.models import CatalogItem
from engine.resources.resource import ENABLED, Kind, Resource
from engine.storage.postgres.chains import WORKFLOW_REVISIONS, append_to_chain
from engine.storage.postgres.database import Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import plugins, workflows
from engine.storage.resources.plugins import IS_TICKETING
from engine.storage.resources.read import TABLES


async def write_resources(
    session: Session, resources: Iterable[Resource], reconciliation: int
) -> None:
    """Activate or retire each resource, as its state says.

    The rows of each kind are written in one batch, because no user can change tickets meanwhile.

    Args:
        session: a transaction that has locked the tickets exclusively.
        resources: each of them once.
        reconciliation: the number of the reconciliation.

    """
    groups: dict[tuple[Kind, bool], list[Resource]] = defaultdict(list)
    for resource in resources:
        groups[resource.key.kind, resource.retired].append(resource)
    kinds = list(Kind)  # each kind comes after those that it refers to
    for kind, is_retired in sorted(groups, key=lambda group: kinds.index(group[0])):
        members = groups[kind, is_retired]
        rows = [_columns(each) | {"reconciliation": reconciliation} for each in members]
        if kind is Kind.WORKFLOW and not is_retired:
            revisions = [
                {"workflow": row["name"]} | {column: row[column] for column in _REVISION_COLUMNS}
                for row in rows
            ]
            numbers = await append_to_chain(session, WORKFLOW_REVISIONS, revisions)
            rows = [row | {"revision": number} for row, number in zip(rows, numbers, strict=True)]
        for statement in _statements(kind, is_retired=is_retired):
            await session.run_each(statement, rows)


def _columns(resource: Resource) -> dict[str, object]:
    """Return the parameters of the statements for a resource."""
    kind, name = resource.key
    columns: dict[str, object] = {"name": name, "declaration": resource.declaration}
    if kind is Kind.WORKFLOW:
        return columns | {
            "display_name": resource.compiled.display_name,
            "policy": resource.compiled.policy,
        }
    if isinstance(item := resource.model, CatalogItem):
        return columns | {"category": item.category, "workflow": item.workflow}
    return columns


# --- statements ---------------------------------------------------------------------------------


def _upsert(table: Table, values: dict[str, ClauseElement], *, is_retired: bool) -> Insert:
    """Insert or update the row with the key `name`, as active or retired."""
    key = next(iter(table.primary_key.columns)).name
    columns = values | {"retired_at": func.clock_timestamp() if is_retired else null()}
    statement = insert(table).values({key: bindparam("name")} | columns)
    return statement.on_conflict_do_update(
        index_elements=[key], set_={name: statement.excluded[name] for name in columns}
    )


def _parameters(*columns: str) -> dict[str, ClauseElement]:
    """Return columns that take the parameters of the same names (see `_columns`)."""
    return {column: bindparam(column) for column in columns}


def _in_declaration(*path: str) -> ColumnElement[str | None]:
    """Return the value at a path of keys in the declaration; null if the path does not exist."""
    keys = (literal_column(f"'{key}'", Text) for key in path)
    declaration = cast(bindparam("declaration", type_=Text), JSON)
    return func.json_extract_path_text(declaration, *keys, type_=Text)


_REFERENCES: Final = {Kind.ITEM: ("category", "workflow")}
"""The columns of a kind that refer to other resources."""
_REVISION_COLUMNS: Final = ("declaration", "policy", "reconciliation")
_ACTIVATE_WORKFLOW: Final = Statement.of(
    _upsert(
        workflows,
        _parameters("display_name", "policy", "revision", "reconciliation")
        | {"auto_close": _in_declaration("autoClose", "afterResolved")},
        is_retired=False,
    )
)
_RETIRE_WORKFLOW: Final = Statement.of(
    update(workflows)
    .where(workflows.c.name == bindparam("name"))
    .values({"retired_at": func.clock_timestamp()} | _parameters("reconciliation"))
)


def _declare_ticketing(declared: ColumnElement[bool]) -> Statement:
    """Copy the setting `enabled`, and no other, to the plugin that changes of tickets check."""
    is_enabled_setting = bindparam("name", type_=Text) == literal_column(f"'{ENABLED}'", Text)
    return Statement.of(
        update(plugins).where(IS_TICKETING, is_enabled_setting).values(declared=declared)
    )


_COPY_ENABLED: Final = _declare_ticketing(cast(_in_declaration(ENABLED), Boolean))
_ENABLE_BY_DEFAULT: Final = _declare_ticketing(true())


@cache
def _statements(kind: Kind, *, is_retired: bool) -> tuple[Statement, ...]:
    """Return the statements that write a resource, in the order of their execution."""
    if kind is Kind.WORKFLOW:
        return (_RETIRE_WORKFLOW if is_retired else _ACTIVATE_WORKFLOW,)
    values = _parameters("declaration", "reconciliation", *_REFERENCES.get(kind, ()))
    upsert = Statement.of(_upsert(TABLES[kind], values, is_retired=is_retired))
    if kind is Kind.SETTING:
        return upsert, _ENABLE_BY_DEFAULT if is_retired else _COPY_ENABLED
    return (upsert,)
