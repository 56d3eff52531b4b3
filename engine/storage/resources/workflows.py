"""The workflows that a server shows and explains, and how far they have been reconciled."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from sqlalchemy import func, select

from engine.errors import InvalidInput
from engine.storage.postgres.database import Database
from engine.storage.postgres.rows import workflow_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import reconciliations, workflows
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.registry import Registry

ALL: Final = Statement.of(
    select(
        workflows.c.name,
        workflows.c.display_name,
        workflows.c.policy,
        workflows.c.retired_at.is_not(None).label("retired"),
        workflows.c.reconciliation,
    ).order_by(workflows.c.name)
)
LATEST: Final = Statement.of(
    select(func.coalesce(func.max(reconciliations.c.id), 0).label("latest"))
)
STANDING: Final = re.compile(r"r(0|[1-9][0-9]{0,17})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class WorkflowsPosition:
    """How far workflows have been reconciled: up to this reconciliation. They come one by one.

    Its text is opaque to everybody else.
    """

    reconciliation: int

    def __str__(self) -> str:
        return f"r{self.reconciliation}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the position that `str` wrote; InvalidInput if it is none."""
        match = STANDING.fullmatch(text)
        if match is None:
            raise InvalidInput("This is not a position of workflows that Interlock gave.")
        return cls(int(match[1]))


@dataclass(frozen=True, slots=True)
class StoredWorkflows:
    """Every workflow that is known, retired ones included.

    Attributes:
        reconciliations: the number of the one that last wrote each, by the workflow's name.

    """

    registry: Registry
    reconciliations: Mapping[str, int]

    @property
    def position(self) -> WorkflowsPosition:
        """How far they have been reconciled."""
        return WorkflowsPosition(max(self.reconciliations.values(), default=0))

    def after(self, position: WorkflowsPosition) -> list[CompiledWorkflow]:
        """Return those that were written since then, as they now are."""
        return [
            self.registry.workflows[name]
            for name, number in self.reconciliations.items()
            if number > position.reconciliation
        ]


async def read_workflows(database: Database) -> StoredWorkflows:
    """Return every workflow that is known."""
    rows = await database.rows(ALL)
    return StoredWorkflows(
        Registry.of(map(workflow_of, rows)), {row["name"]: row["reconciliation"] for row in rows}
    )


async def parse_workflows_position(database: Database, text: str) -> WorkflowsPosition:
    """Return the position of that text, if this database can have given it.

    Raises:
        InvalidInput: it is none, or one of another database, whose changes it would skip here.

    """
    position = WorkflowsPosition.parse(text)
    row = await database.row(LATEST)
    if row is None or position.reconciliation > row["latest"]:
        raise InvalidInput(
            "This position is of another database, perhaps from before a backup was restored:"
            " read the workflows again, and follow from now on."
        )
    return position
