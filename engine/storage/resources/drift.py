"""Find stored columns that differ from what follows from the declarations."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import or_, select

from engine.gc_pause import gc_paused
from engine.resources.derived_columns import (
    ColumnDrift,
    ColumnValue,
    DerivedColumn,
    column_drift,
)
from engine.resources.resource import ENABLED, Key, Kind, Resource, Snapshot
from engine.storage.postgres.database import Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import catalog_items, plugins, workflow_revisions, workflows
from engine.storage.resources.plugins import IS_TICKETING
from engine.storage.resources.read import LATEST_REVISION

_WORKFLOWS: Final = Statement.of(
    select(
        workflows.c.name,
        workflows.c.display_name,
        workflows.c.policy,
        workflows.c.auto_close,
        workflows.c.revision,
        workflow_revisions.c.policy.label("revision_policy"),
        workflow_revisions.c.id.label("latest_revision"),
    ).join_from(workflows, workflow_revisions, workflow_revisions.c.id == LATEST_REVISION)
)
_DECLARATION: Final = catalog_items.c.declaration
_DRIFTED_ITEMS: Final = Statement.of(
    select(catalog_items.c.name, catalog_items.c.category, catalog_items.c.workflow).where(
        or_(
            catalog_items.c.category != _DECLARATION["category"].as_string(),
            catalog_items.c.workflow != _DECLARATION["workflow"].as_string(),
        )
    )
)
"""Compared by PostgreSQL, because there can be many thousands."""
_TICKETING: Final = Statement.of(
    select(plugins.c.declared.label(DerivedColumn.ENABLED)).where(IS_TICKETING)
)


async def read_drift(session: Session, live: Snapshot) -> dict[Key, tuple[ColumnDrift, ...]]:
    """Return the drift of each resource that has any.

    Args:
        session: the session in which the resources were read.
        live: all resources, retired ones included.

    """
    rows = {
        Kind.WORKFLOW: await session.rows(_WORKFLOWS),
        Kind.ITEM: await session.rows(_DRIFTED_ITEMS),
        Kind.SETTING: await session.rows(_TICKETING),
    }
    return await asyncio.to_thread(_find_drift, live, rows)


@gc_paused()
def _find_drift(
    live: Snapshot, rows: Mapping[Kind, Sequence[Row]]
) -> dict[Key, tuple[ColumnDrift, ...]]:
    found = {}
    for kind, stored in rows.items():
        for row in stored:
            key = Key(kind, ENABLED if kind is Kind.SETTING else row["name"])
            resource = live.get(key)
            if resource is not None and (drift := _drift_of(resource, row)):
                found[key] = drift
    return found


def _drift_of(resource: Resource, row: Row) -> tuple[ColumnDrift, ...]:
    stored: dict[DerivedColumn, ColumnValue] = {
        column: row[column] for column in DerivedColumn if column in row
    }
    return tuple(column_drift(resource, stored, row.get("latest_revision")))
