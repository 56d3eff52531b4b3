"""Verify the columns that follow from declarations, and plugins against their changes."""

from collections.abc import AsyncIterator, Iterator
from typing import Final

from sqlalchemy import Text, cast, func, literal_column, select

from engine.errors import CorruptRecord
from engine.resources.derived_columns import derived_columns
from engine.resources.resource import ENABLED, Key, Kind, Resource
from engine.sealing.flaw import RecordFlaw
from engine.storage.postgres.database import Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import (
    catalog_items,
    plugin_changes,
    plugins,
    settings,
    workflow_revisions,
    workflows,
)
from engine.storage.resources.plugins import IS_TICKETING

_PREFETCHED_ROWS: Final = 500

_REVISIONS: Final = Statement.of(
    select(
        workflow_revisions.c.id,
        workflow_revisions.c.workflow,
        cast(workflow_revisions.c.declaration, Text).label("declaration"),
        workflow_revisions.c.policy,
    ).order_by(workflow_revisions.c.id)
)
_LATEST: Final = (
    select(workflow_revisions.c.workflow, func.max(workflow_revisions.c.id).label("id"))
    .group_by(workflow_revisions.c.workflow)
    .subquery("latest")
)
_WORKFLOWS: Final = Statement.of(
    select(
        workflows.c.name,
        workflows.c.display_name,
        workflows.c.policy,
        workflows.c.auto_close,
        workflows.c.revision,
        _LATEST.c.id.label("latest_revision"),
        cast(workflow_revisions.c.declaration, Text).label("declaration"),
    )
    .select_from(workflows)
    .outerjoin(_LATEST, _LATEST.c.workflow == workflows.c.name)
    .outerjoin(workflow_revisions, workflow_revisions.c.id == _LATEST.c.id)
    .order_by(workflows.c.name)
)
_ITEMS: Final = Statement.of(
    select(
        catalog_items.c.name,
        catalog_items.c.category,
        catalog_items.c.workflow,
        cast(catalog_items.c.declaration, Text).label("declaration"),
    ).order_by(catalog_items.c.name)
)
_LAST_CHANGE: Final = (
    select(plugin_changes.c.enabled)
    .where(plugin_changes.c.plugin == plugins.c.name)
    .order_by(plugin_changes.c.id.desc())
    .limit(literal_column("1"))
    .scalar_subquery()
)
_ENABLED: Final = literal_column(f"'{ENABLED}'", Text)
_DECLARED: Final = (
    select(func.json_extract_path_text(settings.c.declaration, _ENABLED))
    .where(settings.c.name == _ENABLED, settings.c.retired_at.is_(None))
    .scalar_subquery()
)
_PLUGINS: Final = Statement.of(
    select(
        plugins.c.name,
        plugins.c.enabled,
        func.coalesce(_LAST_CHANGE, literal_column("true")).label("recorded"),
        plugins.c.declared,
        (~IS_TICKETING | (func.coalesce(_DECLARED, "true") == "true")).label("in_declaration"),
    ).order_by(plugins.c.name)
)


async def audit_declared_columns(session: Session) -> AsyncIterator[RecordFlaw]:
    """Yield revisions, workflows, items and plugins whose columns contradict what was declared."""
    async for row in session.stream(_REVISIONS, _PREFETCHED_ROWS):
        if message := _revision_flaw(row):
            yield RecordFlaw(f"revision {row['id']}", message)
    async for row in session.stream(_WORKFLOWS, _PREFETCHED_ROWS):
        for message in _workflow_flaws(row):
            yield RecordFlaw(f"workflow {row['name']}", message)
    async for row in session.stream(_ITEMS, _PREFETCHED_ROWS):
        if message := _item_flaw(row):
            yield RecordFlaw(f"item {row['name']}", message)
    for row in await session.rows(_PLUGINS):
        if row["enabled"] != row["recorded"]:
            yield RecordFlaw(f"plugin {row['name']}", "it was switched without a record")
        if row["declared"] != row["in_declaration"]:
            yield RecordFlaw(f"plugin {row['name']}", "its state is not the declared one")


def _revision_flaw(row: Row) -> str | None:
    workflow = _resource(Kind.WORKFLOW, row["workflow"], row["declaration"])
    if workflow is None:
        return "its declaration is not a workflow"
    declared = workflow.compiled.policy
    if declared != row["policy"]:
        return f"its policy is {row['policy']}, but its declaration means {declared}"
    return None


def _workflow_flaws(row: Row) -> Iterator[str]:
    workflow = row["declaration"] and _resource(Kind.WORKFLOW, row["name"], row["declaration"])
    if not workflow:
        yield "it has no valid revision"
        return
    if row["revision"] != row["latest_revision"]:
        yield f"its revision is {row['revision']}, but the latest one is {row['latest_revision']}"
    for column, declared in derived_columns(workflow).items():
        if column in row and row[column] != declared:
            yield f"{column} is {row[column]!r}, but {declared!r} was declared"


def _item_flaw(row: Row) -> str | None:
    resource = _resource(Kind.ITEM, row["name"], row["declaration"])
    if resource is None:
        return "its declaration is not an item"
    if any(row[column] != declared for column, declared in derived_columns(resource).items()):
        return "its category or workflow is not the declared one"
    return None


def _resource(kind: Kind, name: str, declaration: str) -> Resource | None:
    """Return a declared resource; None if its declaration is invalid."""
    resource = Resource(Key(kind, name), declaration)
    try:
        resource.model  # noqa: B018  # validates the declaration
    except CorruptRecord:
        return None
    return resource
