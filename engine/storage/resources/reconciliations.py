"""The ledger: every plan that was carried out, by whom, and when."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, insert, select

from engine.errors import PlanApplied
from engine.storage.postgres.database import Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import reconciliations


@dataclass(frozen=True, slots=True)
class ReconciliationRecord:
    """A plan, as it stands in the ledger.

    Attributes:
        plan_id: says the same plan each time it is applied.
        plan: the whole of it, as JSON.
        by: a user id, or `system`.
        source: where the declaration came from, e.g. `git:abc123`.

    """

    plan_id: str
    plan: str
    by: str
    source: str


RECORD: Final = Statement.of(
    insert(reconciliations)
    .values(
        plan_id=bindparam("plan_id"),
        plan=bindparam("plan"),
        applied_by=bindparam("applied_by"),
        source=bindparam("source"),
    )
    .returning(reconciliations.c.id)
)
APPLIED: Final = Statement.of(
    select(reconciliations.c.applied_by, reconciliations.c.applied_at).where(
        reconciliations.c.plan_id == bindparam("applied_plan")
    )
)


async def record_reconciliation(session: Session, entry: ReconciliationRecord) -> int:
    """Write an entry into the ledger and return its number.

    Args:
        session: of whoever reconciles, so that nobody writes the same entry meanwhile.
        entry: one that is not in the ledger (see `check_not_applied`).

    """
    values = {"plan_id": entry.plan_id, "plan": entry.plan, "source": entry.source}
    [row] = await session.rows(RECORD, applied_by=entry.by, **values)
    number: int = row["id"]
    return number


async def check_not_applied(session: Session, plan_id: str) -> None:
    """Refuse a plan that stands in the ledger.

    Raises:
        PlanApplied: it does.

    """
    first = await session.row(APPLIED, applied_plan=plan_id)
    if first is None:
        return
    at = first["applied_at"].isoformat(timespec="seconds")
    raise PlanApplied(
        f"This plan was applied already: by {first['applied_by']} at {at}. Make a new one.",
        plan=plan_id,
        applied_by=first["applied_by"],
        applied_at=at,
    )
