"""Every revision of a workflow, with the reconciliation that brought it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Text, bindparam, cast, select

from engine.errors import NotFound
from engine.findings import did_you_mean
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import reconciliations, workflow_revisions, workflows

REVISIONS: Final = Statement.of(
    select(
        workflow_revisions.c.id,
        workflow_revisions.c.policy,
        workflow_revisions.c.digest,
        cast(workflow_revisions.c.declaration, Text).label("declaration"),
        reconciliations.c.applied_at,
        reconciliations.c.applied_by,
        reconciliations.c.source,
    )
    .join(reconciliations, reconciliations.c.id == workflow_revisions.c.reconciliation)
    .where(workflow_revisions.c.workflow == bindparam("wanted"))
    .order_by(workflow_revisions.c.id.desc())
)
NAMES: Final = Statement.of(select(workflows.c.name))


@dataclass(frozen=True, slots=True)
class Revision:
    """One form that a workflow had.

    Attributes:
        number: what history entries of tickets name it by; grows, not without gaps.
        declaration: canonical JSON.
        digest: SHA-256 of it, in hex.
        at, by, source: when it came into force, who applied it, and where it came from.

    """

    number: int
    declaration: str
    digest: str
    policy: int
    at: datetime
    by: str
    source: str


async def read_revisions(database: Database, name: str) -> list[Revision]:
    """Return the revisions of a workflow, newest first; at least one.

    Raises:
        NotFound: there never was a workflow of that name; the near names are offered.

    """
    rows = await database.rows(REVISIONS, wanted=name)
    if not rows:
        known = [row["name"] for row in await database.rows(NAMES)]
        message = f"There never was a workflow named {name!r}.{did_you_mean(name, known)}"
        raise NotFound(message, workflow=name)
    return [
        Revision(
            number=row["id"],
            declaration=row["declaration"],
            digest=row["digest"].hex(),
            policy=row["policy"],
            at=row["applied_at"],
            by=row["applied_by"],
            source=row["source"],
        )
        for row in rows
    ]
