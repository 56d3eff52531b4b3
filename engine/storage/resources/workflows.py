"""Read all workflows, and the position up to which they are reconciled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.fingerprints import fingerprint
from engine.storage.postgres.rows import workflow_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import reconciliations, workflow_revisions, workflows
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
        workflows.c.revision,
        workflow_revisions.c.file,
        workflow_revisions.c.line,
    )
    .join(reconciliations, reconciliations.c.id == workflows.c.reconciliation)
    .outerjoin(workflow_revisions, workflow_revisions.c.id == workflows.c.revision)
    .order_by(workflows.c.name)
)


@dataclass(frozen=True, slots=True)
class DeclarationLocation:
    """Where a workflow is declared.

    Attributes:
        file: the values file, or the argument, as it was given.
        line: in the file as it was when the revision was applied, from 1.
        revision: the number of the latest revision of the workflow.

    """

    file: str
    line: int
    revision: int


@dataclass(frozen=True, slots=True)
class StoredWorkflows:
    """All workflows in the database, retired ones included.

    Attributes:
        reconciliations: the reconciliation that last wrote each workflow, by name.
        locations: where each workflow is declared; only those that were read from a file.

    """

    registry: Registry
    reconciliations: Mapping[str, ReconciliationPosition]
    locations: Mapping[str, DeclarationLocation]

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
        {
            row["name"]: DeclarationLocation(row["file"], row["line"], row["revision"])
            for row in rows
            if row["file"] is not None
        },
    )
