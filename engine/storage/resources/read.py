"""Read all declared resources, with the last change of each."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Column, Select, Table, Text, cast, func, literal_column, select, union_all

from engine.gc_pause import gc_paused
from engine.resources.live_resources import LastChange, LiveResources
from engine.resources.resource import Key, Kind, Resource
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import (
    calendars,
    catalog_categories,
    catalog_items,
    reconciliations,
    services,
    settings,
    webhooks,
    workflow_revisions,
    workflows,
)

TABLES: Final = {
    Kind.CATEGORY: catalog_categories,
    Kind.CALENDAR: calendars,
    Kind.ITEM: catalog_items,
    Kind.SERVICE: services,
    Kind.WEBHOOK: webhooks,
    Kind.SETTING: settings,
}
"""The table of each kind except workflows, whose declarations are in `workflow_revisions`."""


def _resources(kind: Kind, table: Table, declaration: Column[Any]) -> Select[*tuple[Any, ...]]:
    key = next(iter(table.primary_key.columns))
    return select(
        literal_column(f"'{kind}'", Text).label("kind"),
        key.label("name"),
        cast(declaration, Text).label("declaration"),
        table.c.retired_at.is_not(None).label("retired"),
        table.c.reconciliation,
    )


_REVISIONS: Final = workflow_revisions.alias("revisions")
LATEST_REVISION: Final = (
    select(func.max(_REVISIONS.c.id))
    .where(_REVISIONS.c.workflow == workflows.c.name)
    .scalar_subquery()
)
"""The number of the latest revision of a workflow, which is the active one."""
RESOURCES: Final = union_all(
    _resources(Kind.WORKFLOW, workflows, workflow_revisions.c.declaration)
    .select_from(workflows)
    .join(workflow_revisions, workflow_revisions.c.id == LATEST_REVISION),
    *(_resources(kind, table, table.c.declaration) for kind, table in TABLES.items()),
).subquery("resources")
"""All resources as rows, retired ones included."""
_READ: Final = Statement.of(
    select(
        RESOURCES.c.kind,
        RESOURCES.c.name,
        RESOURCES.c.declaration,
        RESOURCES.c.retired,
        RESOURCES.c.reconciliation,
        reconciliations.c.applied_at,
        reconciliations.c.applied_by,
        reconciliations.c.source,
    ).join(reconciliations, reconciliations.c.id == RESOURCES.c.reconciliation)
)


async def read_resources(source: Database | Session) -> LiveResources:
    """Return all resources in the database, retired ones included."""
    return await asyncio.to_thread(_build_resources, await source.rows(_READ))


@gc_paused()
def _build_resources(rows: Iterable[Row]) -> LiveResources:
    live = LiveResources({}, {})
    for row in rows:
        key = Key(Kind(row["kind"]), row["name"])
        live.resources[key] = Resource(key, row["declaration"], retired=row["retired"])
        live.last_changes[key] = LastChange(
            row["applied_at"], row["applied_by"], row["source"], row["reconciliation"]
        )
    return live
