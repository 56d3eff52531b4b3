"""Read all workflows, and the position up to which they are reconciled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.fingerprints import fingerprint
from engine.storage.postgres.rows import workflow_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import reconciliations, workflows
from engine.storage.resources.reconciliations import (
    BEFORE_RECONCILIATIONS,
    ReconciliationPosition,
)
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.registry import Registry

_WORKFLOWS: Final = Statement.of(
    select(
        workflows.c.name,
        workflows.c.display_name,
        workflows.c.policy,
        workflows.c.retired_at.is_not(None).label("retired"),
        workflows.c.reconciliation,
        reconciliations.c.digest,
    )
    .join(reconciliations)
    .order_by(workflows.c.name)
)


@dataclass(frozen=True, slots=True)
class StoredWorkflows:
    """All workflows in the database, retired ones included.

    Attributes:
        reconciliations: the reconciliation that last wrote each workflow, by name.

    """

    registry: Registry
    reconciliations: Mapping[str, ReconciliationPosition]

    @property
    def position(self) -> ReconciliationPosition:
        """The position behind the latest change of a workflow."""
        return max(
            self.reconciliations.values(),
            key=lambda each: each.number,
            default=BEFORE_RECONCILIATIONS,
        )

    def after(self, position: ReconciliationPosition) -> list[CompiledWorkflow]:
        """Return the workflows that changed after a position."""
        return [
            self.registry.workflows[name]
            for name, each in self.reconciliations.items()
            if each.number > position.number
        ]


async def read_workflows(database: Database | Session) -> StoredWorkflows:
    """Return all workflows."""
    rows = await database.rows(_WORKFLOWS)
    return StoredWorkflows(
        Registry.of(map(workflow_of, rows)),
        {
            row["name"]: ReconciliationPosition(row["reconciliation"], fingerprint(row["digest"]))
            for row in rows
        },
    )
