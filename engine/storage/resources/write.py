"""Declared resources written on PostgreSQL: put in force as they are, or retired."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from typing import Final, TypeAlias

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
    insert,
    literal_column,
    null,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as insert_or

from engine.declaration.models import CatalogItem
from engine.resources.resource import ENABLED, Kind, Resource
from engine.storage.postgres.database import Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import plugins, workflow_revisions, workflows
from engine.storage.resources.plugins import IS_TICKETING
from engine.storage.resources.read import TABLES

Group: TypeAlias = tuple[Kind, bool]
"""A kind of resources, and whether they are retired."""


async def write_resources(
    session: Session, resources: Iterable[Resource], reconciliation: int
) -> None:
    """Put resources in force as they are, or retire those that say so.

    Nobody can work on tickets meanwhile, so all of a group are sent without waiting for answers.

    Args:
        session: holds the tickets.
        resources: each of them once.
        reconciliation: the number of the one that writes them.

    """
    for (kind, is_retired), members in in_groups(resources):
        rows = [columns_of(each) | {"reconciliation": reconciliation} for each in members]
        for statement in statements_for(kind, is_retired=is_retired):
            await session.run_each(statement, rows)


def in_groups(resources: Iterable[Resource]) -> Iterator[tuple[Group, list[Resource]]]:
    """Yield resources in groups, each kind after those that it refers to."""
    groups: dict[Group, list[Resource]] = defaultdict(list)
    for resource in resources:
        groups[resource.key.kind, resource.retired].append(resource)
    for kind in Kind:
        yield from ((group, groups[group]) for group in groups if group[0] is kind)


def columns_of(resource: Resource) -> dict[str, object]:
    """Return what the statements for a resource write."""
    kind, name = resource.key
    columns: dict[str, object] = {"name": name, "declaration": resource.declaration}
    if kind is Kind.WORKFLOW:
        compiled = resource.compiled
        digest = sha256(resource.declaration.encode()).digest()
        return columns | {
            "digest": digest,
            "display_name": compiled.display_name,
            "policy": compiled.policy,
        }
    if isinstance(item := resource.model, CatalogItem):
        return columns | {"category": item.category, "workflow": item.workflow}
    return columns


# --- statements ---------------------------------------------------------------------------------


def put(table: Table, values: dict[str, ClauseElement], *, is_retired: bool) -> Insert:
    """Return an upsert of a row that is called `name`, declared or retired."""
    key = next(iter(table.primary_key.columns)).name
    state = values | {"retired_at": func.clock_timestamp() if is_retired else null()}
    statement = insert_or(table).values({key: bindparam("name")} | state)
    return statement.on_conflict_do_update(
        index_elements=[key], set_={name: statement.excluded[name] for name in state}
    )


def given(*columns: str) -> dict[str, ClauseElement]:
    """Return columns that are written as they are given (see `columns_of`)."""
    return {column: bindparam(column) for column in columns}


def in_declaration(*path: str) -> ColumnElement[str | None]:
    """Return what stands in a declaration at the end of a path of keys; null if nothing does."""
    keys = (literal_column(f"'{key}'", Text) for key in path)
    declaration = cast(bindparam("declaration", type_=Text), JSON)
    return func.json_extract_path_text(declaration, *keys, type_=Text)


REFERENCES: Final = {Kind.ITEM: ("category", "workflow")}
"""The columns by which rows of a kind point at others."""
REVISE: Final = Statement.of(
    insert(workflow_revisions).values(
        {"workflow": bindparam("name")} | given("declaration", "digest", "policy", "reconciliation")
    )
)
LATEST_REVISION: Final = (
    select(func.max(workflow_revisions.c.id))
    .where(workflow_revisions.c.workflow == bindparam("name"))
    .scalar_subquery()
)
AUTO_CLOSE: Final = in_declaration("autoClose", "afterResolved")
ENFORCE: Final = Statement.of(
    put(
        workflows,
        given("display_name", "policy", "reconciliation")
        | {"revision": LATEST_REVISION, "auto_close": AUTO_CLOSE},
        is_retired=False,
    )
)
RETIRE: Final = Statement.of(
    update(workflows)
    .where(workflows.c.name == bindparam("name"))
    .values({"retired_at": func.clock_timestamp()} | given("reconciliation"))
)


def switching(declared: ColumnElement[bool]) -> Statement:
    """Return what takes the setting `enabled`, and no other, to where changes of tickets look."""
    is_switch = bindparam("name", type_=Text) == literal_column(f"'{ENABLED}'", Text)
    return Statement.of(update(plugins).where(IS_TICKETING, is_switch).values(declared=declared))


IS_ENABLED: Final = cast(in_declaration(ENABLED), Boolean)
SWITCH: Final = switching(IS_ENABLED)
SWITCH_ON: Final = switching(true())
"""Where nothing is declared, ticketing is on."""


@cache
def statements_for(kind: Kind, *, is_retired: bool) -> tuple[Statement, ...]:
    """Return what has to be run for each resource of a group, one statement after the other."""
    if kind is Kind.WORKFLOW:
        return (RETIRE,) if is_retired else (REVISE, ENFORCE)
    values = given("declaration", "reconciliation", *REFERENCES.get(kind, ()))
    stored = Statement.of(put(TABLES[kind], values, is_retired=is_retired))
    if kind is Kind.SETTING:
        return stored, SWITCH_ON if is_retired else SWITCH
    return (stored,)
