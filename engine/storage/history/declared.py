"""Read the declarations of every time, from the plans of all reconciliations."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, JsonValue, ValidationError
from sqlalchemy import Text, cast, literal_column, select

from engine.audit.declared_history import DeclaredHistory, DeclaredRevision
from engine.audit.versions import DeclaredChange
from engine.plugins import Plugin
from engine.resources.resource import Key, Kind, Resource
from engine.storage.postgres.database import Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import plugin_changes, reconciliations, workflow_revisions
from engine.workflows.policy import Policy

_PREFETCHED_ROWS: Final = 500

_PLANS: Final = Statement.of(
    select(
        reconciliations.c.id,
        reconciliations.c.applied_at,
        cast(reconciliations.c.plan, Text).label("plan"),
    ).order_by(reconciliations.c.id)
)
_REVISIONS: Final = Statement.of(
    select(
        workflow_revisions.c.id,
        workflow_revisions.c.workflow,
        workflow_revisions.c.policy,
        workflow_revisions.c.reconciliation,
        reconciliations.c.applied_at,
    )
    .join(reconciliations, reconciliations.c.id == workflow_revisions.c.reconciliation)
    .order_by(workflow_revisions.c.id)
)
_SWITCHES: Final = Statement.of(
    select(plugin_changes.c.changed_at, plugin_changes.c.enabled)
    .where(plugin_changes.c.plugin == literal_column(f"'{Plugin.TICKETING}'"))
    .order_by(plugin_changes.c.id)
)


class _ResourcePart(BaseModel):
    """The state of a resource in a plan."""

    retired: bool
    declaration: dict[str, JsonValue]


class _ChangePart(BaseModel):
    """The part of a planned change that matters here; plans of all versions have it."""

    kind: Kind
    name: str
    after: _ResourcePart

    @property
    def resource(self) -> Resource:
        """The resource after the change, with its declaration as canonical JSON."""
        text = json.dumps(self.after.declaration, sort_keys=True, ensure_ascii=False)
        return Resource(Key(self.kind, self.name), text, retired=self.after.retired)


class _PlanPart(BaseModel):
    """The part of a plan that matters here."""

    changes: list[_ChangePart]


@dataclass(frozen=True, slots=True)
class UnreadablePlan:
    """A reconciliation whose plan cannot be read."""

    reconciliation: int


async def read_planned_changes(session: Session) -> AsyncIterator[DeclaredChange | UnreadablePlan]:
    """Yield the changes of all reconciliations in their order; in a transaction."""
    async for row in session.stream(_PLANS, _PREFETCHED_ROWS):
        try:
            plan = _PlanPart.model_validate_json(row["plan"])
        except ValidationError:
            yield UnreadablePlan(row["id"])
            continue
        for change in plan.changes:
            yield DeclaredChange(row["id"], row["applied_at"], change.resource)


async def read_declared_history(session: Session) -> DeclaredHistory:
    """Return the declarations of every time, and when ticketing was on; in a transaction.

    A plan that cannot be read declares nothing; `reconciler.resource_audit` reports it.
    """
    changes = [
        each async for each in read_planned_changes(session) if isinstance(each, DeclaredChange)
    ]
    revisions = [
        DeclaredRevision(
            number=row["id"],
            workflow=row["workflow"],
            policy=Policy(row["policy"]),
            reconciliation=row["reconciliation"],
            at=row["applied_at"],
        )
        for row in await session.rows(_REVISIONS)
    ]
    switches = [(row["changed_at"], row["enabled"]) for row in await session.rows(_SWITCHES)]
    return DeclaredHistory(tuple(changes), tuple(revisions), tuple(switches))
