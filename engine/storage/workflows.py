"""The workflows that a server shows and explains."""

from typing import Final

from sqlalchemy import select

from engine.storage.database import Database
from engine.storage.rows import workflow_of
from engine.storage.statements import Statement
from engine.storage.tables import workflows
from engine.workflows.registry import Registry

ALL: Final = Statement.of(
    select(
        workflows.c.name,
        workflows.c.display_name,
        workflows.c.policy,
        workflows.c.retired_at.is_not(None).label("retired"),
    ).order_by(workflows.c.name)
)


async def read_registry(database: Database) -> Registry:
    """Return every workflow that is known, retired ones included."""
    return Registry.of(map(workflow_of, await database.rows(ALL)))
