"""Read all workflows, and the position up to which they are reconciled."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from engine.errors import InvalidInput
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.rows import workflow_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import workflows
from engine.storage.resources.reconciliations import latest_reconciliation
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.registry import Registry

_WORKFLOWS: Final = Statement.of(
    select(
        workflows.c.name,
        workflows.c.display_name,
        workflows.c.policy,
        workflows.c.retired_at.is_not(None).label("retired"),
        workflows.c.reconciliation,
    ).order_by(workflows.c.name)
)
_POSITION: Final = re.compile(r"r(0|[1-9][0-9]{0,17})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class WorkflowsPosition:
    """A position in the sequence of reconciliations. Clients treat its text as opaque."""

    reconciliation: int

    def __str__(self) -> str:
        return f"r{self.reconciliation}"


@dataclass(frozen=True, slots=True)
class StoredWorkflows:
    """All workflows in the database, retired ones included.

    Attributes:
        reconciliations: the number of the reconciliation that last wrote each workflow, by name.

    """

    registry: Registry
    reconciliations: Mapping[str, int]

    @property
    def position(self) -> WorkflowsPosition:
        """The position behind the latest change of a workflow."""
        return WorkflowsPosition(max(self.reconciliations.values(), default=0))

    def after(self, position: WorkflowsPosition) -> list[CompiledWorkflow]:
        """Return the workflows that changed after a position."""
        return [
            self.registry.workflows[name]
            for name, number in self.reconciliations.items()
            if number > position.reconciliation
        ]


async def read_workflows(database: Database | Session) -> StoredWorkflows:
    """Return all workflows."""
    rows = await database.rows(_WORKFLOWS)
    return StoredWorkflows(
        Registry.of(map(workflow_of, rows)), {row["name"]: row["reconciliation"] for row in rows}
    )


async def parse_workflows_position(database: Database, text: str) -> WorkflowsPosition:
    """Return the position that a text represents, if it is possible in this database.

    Raises:
        InvalidInput: the text is not a position, or is one of another database, in which case
            following it would skip changes.

    """
    match = _POSITION.fullmatch(text)
    if match is None:
        raise InvalidInput("Invalid position of workflows.")
    position = WorkflowsPosition(int(match[1]))
    if position.reconciliation > await latest_reconciliation(database):
        raise InvalidInput(
            "The position belongs to another database, or to a time before a backup was restored:"
            " read the workflows again and follow from now on."
        )
    return position
