"""Workflows on PostgreSQL: what is in force, and every revision that ever was."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from engine.storage.database import Database, Session
from engine.storage.rows import workflow_of
from engine.storage.statements import Statement
from engine.storage.tables import workflow_revisions, workflows
from engine.workflows.compiler import compile_workflow
from engine.workflows.declaration import Workflow
from engine.workflows.registry import Registry

HOLD_TICKETS: Final = Statement.of(text("LOCK TABLE tickets IN EXCLUSIVE MODE"))
"""No ticket is created or changed while workflows are; every change after it sees the new ones."""

ALL: Final = Statement.of(
    select(
        workflows.c.name,
        workflows.c.display_name,
        workflows.c.policy,
        workflows.c.retired_at.is_not(None).label("retired"),
    ).order_by(workflows.c.name)
)
IN_FORCE: Final = Statement.of(
    select(workflows.c.name, workflow_revisions.c.digest)
    .join(workflow_revisions, workflow_revisions.c.id == workflows.c.revision)
    .where(workflows.c.retired_at.is_(None))
)
REVISE: Final = Statement.of(
    insert(workflow_revisions)
    .values(
        {
            column: bindparam(column)
            for column in ("workflow", "declaration", "digest", "policy", "created_by", "source")
        }
    )
    .returning(workflow_revisions.c.id)
)
ENFORCE: Final = Statement.of(
    upsert(workflows)
    .values(
        {column: bindparam(column) for column in ("name", "display_name", "policy", "revision")}
    )
    .on_conflict_do_update(
        index_elements=[workflows.c.name],
        set_={
            "display_name": bindparam("display_name"),
            "policy": bindparam("policy"),
            "revision": bindparam("revision"),
            "retired_at": None,
        },
    )
)


@dataclass(frozen=True, slots=True)
class WorkflowStore:
    """The workflows of a database."""

    database: Database

    async def registry(self) -> Registry:
        """Return every workflow that is known, retired ones included."""
        return Registry.of(map(workflow_of, await self.database.rows(ALL)))

    async def publish(self, declared: Iterable[Workflow], *, by: str, source: str) -> list[str]:
        """Put workflows in force, all or none; return the names of those that changed.

        Args:
            declared: valid ones; those that are in force as declared are left alone.
            by: a user id, or `system`.
            source: where the declaration came from, for the record.

        """
        wanted = tuple(declared)
        if not await differing(self.database, wanted):
            return []  # every replica that starts comes here, and need not hold anybody up
        async with self.database.transaction() as session:
            await session.run(HOLD_TICKETS)
            changed = await differing(session, wanted)
            for workflow in changed:
                await enforce(session, workflow, by=by, source=source)
        return [workflow.name for workflow in changed]


async def differing(source: Database | Session, declared: Iterable[Workflow]) -> list[Workflow]:
    """Return the workflows that are not in force as they are declared."""
    known = {row["name"]: row["digest"] for row in await source.rows(IN_FORCE)}
    return [each for each in declared if known.get(each.name) != digest_of(each)]


async def enforce(session: Session, declared: Workflow, *, by: str, source: str) -> None:
    """Write a new revision of a workflow and put it in force."""
    compiled = compile_workflow(declared)
    revision = await session.row(
        REVISE,
        workflow=compiled.name,
        declaration=canonical_text(declared),
        digest=digest_of(declared),
        policy=compiled.policy,
        created_by=by,
        source=source,
    )
    await session.run(
        ENFORCE,
        name=compiled.name,
        display_name=compiled.display_name,
        policy=compiled.policy,
        revision=revision["id"] if revision else None,
    )


def canonical_text(declared: Workflow) -> str:
    """Return a declaration as JSON: the same text for the same meaning, in whatever order."""
    data = declared.model_dump(mode="json", by_alias=True)
    data["transitions"].sort(key=lambda move: (move["from"], move["to"]))
    return json.dumps(data, sort_keys=True, ensure_ascii=False)


def digest_of(declared: Workflow) -> bytes:
    """Return SHA-256 of the canonical declaration."""
    return sha256(canonical_text(declared).encode()).digest()
