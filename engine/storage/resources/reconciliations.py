"""Reconciliations: one runs at a time, and each is recorded with its plan."""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Self

from sqlalchemy import Text, bindparam, func, literal_column, select, text

from engine.errors import InvalidInput, LockHeld, PlanApplied, PlanNotApplied, PositionLost
from engine.storage.postgres.chains import RECONCILIATIONS, append_to_chain
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.fingerprints import FINGERPRINT_CHARACTERS, fingerprint
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import reconciliations

RECONCILIATION_LOCK: Final = 0x17E410D
"""The advisory lock of the reconciliation that runs."""
_HOLDER_PREFIX: Final = "interlock reconcile: "
_HOLDER_BYTES_MAX: Final = 63
"""PostgreSQL cuts longer application names."""

_RETRY_SECONDS: Final = 0.25

_TRY_LOCK: Final = Statement.of(
    select(
        func.set_config(
            "application_name", bindparam("holder", type_=Text), literal_column("true")
        ),
        func.pg_try_advisory_xact_lock(RECONCILIATION_LOCK).label("is_locked"),
    )
)
_HOLDER: Final = Statement.of(
    text(
        "SELECT application_name AS holder, xact_start AS since FROM pg_locks"
        " JOIN pg_stat_activity USING (pid)"
        " WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = :lock"
        " AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ).bindparams(lock=RECONCILIATION_LOCK)
)
_LATEST: Final = Statement.of(
    select(reconciliations.c.id, reconciliations.c.digest)
    .order_by(reconciliations.c.id.desc())
    .limit(literal_column("1"))
)
_DIGEST: Final = Statement.of(
    select(reconciliations.c.digest).where(reconciliations.c.id == bindparam("number"))
)
_POSITION: Final = re.compile(
    f"r(0|[1-9][0-9]{{0,17}})-([0-9a-f]{{{FINGERPRINT_CHARACTERS}}})", re.ASCII
)
_APPLIED: Final = Statement.of(
    select(reconciliations.c.applied_by, reconciliations.c.applied_at).where(
        reconciliations.c.plan_id == bindparam("applied_plan")
    )
)


@dataclass(frozen=True, slots=True)
class ReconciliationPosition:
    """A position in the sequence of reconciliations. Clients treat its text as opaque.

    It is valid in a database that contains this reconciliation. A database that goes back in time
    assigns the number again, to another reconciliation with another digest.

    Attributes:
        number: the number of a reconciliation; 0 before the first one.
        fingerprint: the beginning of its digest, which covers all reconciliations before it.

    """

    number: int
    fingerprint: str

    def __str__(self) -> str:
        return f"r{self.number}-{self.fingerprint}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the position that a text represents.

        Raises:
            InvalidInput: the text is not a position.

        """
        match = _POSITION.fullmatch(text)
        if match is None:
            raise InvalidInput(
                "The position of workflows is invalid. Pass one that the API returned, unchanged."
            )
        return cls(int(match[1]), match[2])


BEFORE_RECONCILIATIONS: Final = ReconciliationPosition(0, fingerprint(None))


@dataclass(frozen=True, slots=True)
class ReconciliationRecord:
    """The record of a reconciliation.

    Attributes:
        plan_id: identifies the plan, so that it is applied only once.
        plan: the whole plan as JSON.
        by: a user id, or `system`.
        source: where the declaration came from, such as `git:abc123`.

    """

    plan_id: str
    plan: str
    by: str
    source: str


@asynccontextmanager
async def reconciliation_session(
    database: Database, by: str, *, wait: bool
) -> AsyncIterator[Session]:
    """Begin a transaction that holds the reconciliation lock; commit at the end of the block.

    Others can change tickets until the transaction calls `lock_tickets_exclusive`, which it must
    do before it writes anything that they depend on.

    Args:
        database: the database.
        by: who reconciles, for the error that others get.
        wait: wait until no other reconciliation runs, instead of raising LockHeld.

    Raises:
        LockHeld: another reconciliation is running.

    """
    holder = f"{_HOLDER_PREFIX}{by}"[:_HOLDER_BYTES_MAX]
    while True:
        async with database.transaction() as session:
            [row] = await session.rows(_TRY_LOCK, holder=holder)
            if row["is_locked"]:
                yield session
                return
            if not wait:
                raise _lock_held(await session.row(_HOLDER))
        # Without a transaction, which would keep a connection.
        await asyncio.sleep(_RETRY_SECONDS * (1 + random.random()))  # noqa: S311  # not a secret


def _lock_held(holder: Row | None) -> LockHeld:
    if holder is None:
        return LockHeld("Another reconciliation ended just now. Try again.")
    by = holder["holder"].removeprefix(_HOLDER_PREFIX)
    # PostgreSQL shows the time only to the same database role.
    since = holder["since"] and holder["since"].isoformat(timespec="seconds")
    started = f"started by {by} at {since}" if since else f"started by {by}"
    return LockHeld(
        f"Another reconciliation is running ({started}). Retry later or pass --wait.",
        holder=by,
        since=since,
    )


async def latest_reconciliation(source: Database | Session) -> ReconciliationPosition:
    """Return the position after the latest reconciliation, which has the highest number."""
    row = await source.row(_LATEST)
    if row is None:
        return BEFORE_RECONCILIATIONS
    return ReconciliationPosition(row["id"], fingerprint(row["digest"]))


async def check_reconciliation(
    source: Database | Session, position: ReconciliationPosition
) -> None:
    """Raise PositionLost if the database does not contain the reconciliation of a position."""
    row = await source.row(_DIGEST, number=position.number)
    if fingerprint(row and row["digest"]) != position.fingerprint:
        raise PositionLost


async def check_not_applied(session: Session, plan_id: str) -> None:
    """Raise PlanApplied if a plan was applied before."""
    first = await session.row(_APPLIED, applied_plan=plan_id)
    if first is None:
        return
    by, at = first["applied_by"], first["applied_at"].isoformat(timespec="seconds")
    raise PlanApplied(
        f"This plan was already applied by {by} at {at}. Make a new plan.",
        plan=plan_id,
        applied_by=by,
        applied_at=at,
    )


async def check_applied(session: Session, plan_id: str) -> None:
    """Raise PlanNotApplied unless a plan was applied."""
    if await session.row(_APPLIED, applied_plan=plan_id) is None:
        raise PlanNotApplied(
            "This plan was never applied to this database, so there is nothing to undo.",
            plan=plan_id,
        )


async def record_reconciliation(session: Session, record: ReconciliationRecord) -> int:
    """Insert the record of a plan that was not applied before; return its number.

    The session must be a `reconciliation_session`, so that no other one inserts the same plan.
    """
    row = {
        "plan_id": record.plan_id,
        "plan": record.plan,
        "applied_by": record.by,
        "source": record.source,
    }
    [number] = await append_to_chain(session, RECONCILIATIONS, [row], time="applied_at")
    return number
