"""Read the revisions of a workflow, with the reconciliations that created them."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy import Text, bindparam, cast, select

from engine.errors import NotFound
from engine.findings import did_you_mean
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import reconciliations, workflow_revisions, workflows

_REVISIONS: Final = Statement.of(
    select(
        workflow_revisions.c.id,
        workflow_revisions.c.policy,
        workflow_revisions.c.file,
        workflow_revisions.c.line,
        cast(workflow_revisions.c.declaration, Text).label("declaration"),
        reconciliations.c.applied_at,
        reconciliations.c.applied_by,
        reconciliations.c.source,
    )
    .join(reconciliations, reconciliations.c.id == workflow_revisions.c.reconciliation)
    .where(workflow_revisions.c.workflow == bindparam("wanted"))
    .order_by(workflow_revisions.c.id.desc())
)
_NAMES: Final = Statement.of(select(workflows.c.name))


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of a workflow.

    Attributes:
        number: the number that history entries refer to; increases.
        declaration: canonical JSON.
        digest: SHA-256 of the declaration, in hex.
        file, line: where it is declared; None if it was not read from a values file.
        at, by, source: when and by whom the declaration was applied, and where it came from.

    """

    number: int
    declaration: str
    digest: str
    policy: int
    file: str | None
    line: int | None
    at: datetime
    by: str
    source: str


async def read_revisions(database: Database, name: str) -> list[Revision]:
    """Return the revisions of a workflow, newest first; at least one.

    Raises:
        NotFound: no workflow ever had this name; the message suggests similar names.

    """
    rows = await database.rows(_REVISIONS, wanted=name)
    if not rows:
        known = [row["name"] for row in await database.rows(_NAMES)]
        message = f"There was never a workflow named {name!r}.{did_you_mean(name, known)}"
        raise NotFound(message, workflow=name)
    return [
        Revision(
            number=row["id"],
            declaration=row["declaration"],
            digest=sha256(row["declaration"].encode()).hexdigest(),
            policy=row["policy"],
            file=row["file"],
            line=row["line"],
            at=row["applied_at"],
            by=row["applied_by"],
            source=row["source"],
        )
        for row in rows
    ]
