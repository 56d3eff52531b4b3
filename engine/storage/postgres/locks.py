"""Locks on the table of tickets: many transactions change tickets, or one changes their rules.

A transaction that changes tickets takes the shared lock before it reads the rules (declarations and
plugins). A transaction that changes the rules takes the exclusive lock. So every change of a ticket
follows the rules that are active when it commits.

PostgreSQL queues requests for a lock: every change of a ticket waits behind a request for the
exclusive lock, which waits for the transactions that change tickets already. So the exclusive lock
is requested only when all of these end soon, and only for a short time.
"""

import asyncio
import random
from collections.abc import Set as AbstractSet
from typing import Final

import asyncpg
from sqlalchemy import text

from engine.errors import Unavailable
from engine.storage.postgres.connection_settings import at_most, set_config
from engine.storage.postgres.database import Session
from engine.storage.postgres.statements import Statement

EXCLUSIVE_LOCK_SECONDS_MAX: Final = 10
"""How long a transaction tries to get the exclusive lock."""
_PATIENCE_SECONDS_MIN: Final = 0.05
_PATIENCE_SECONDS_MAX: Final = 1.2
"""How long others can wait behind a request for the exclusive lock. Doubles with each request.

PostgreSQL cancels an autovacuum for a request that waits for `deadlock_timeout`, which is 1 s.
"""

LOCK_SHARED: Final = Statement.of(text("LOCK TABLE tickets IN ROW EXCLUSIVE MODE"))
_LIMITS: Final = set_config(
    {
        "lock_timeout": "'5s'",
        "idle_in_transaction_session_timeout": at_most("idle_in_transaction_session_timeout", 5),
    },
    is_local=True,
)
"""Short limits for a transaction with the lock: until it ends, no ticket can be changed."""
_LOCK_EXCLUSIVE: Final = (
    "SAVEPOINT before_lock; SET LOCAL lock_timeout = '{}ms'; LOCK TABLE tickets IN EXCLUSIVE MODE"
)
_CONFLICTING: Final = Statement.of(
    text(
        "SELECT virtualtransaction AS transaction"
        " FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)"
        " WHERE locktype = 'relation' AND relation = 'tickets'::regclass"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND granted AND mode <> 'AccessShareLock' AND pid IS DISTINCT FROM pg_backend_pid()"
        " AND NOT (mode = 'ShareUpdateExclusiveLock' AND usesysid IS NULL)"
    )
)
"""The transactions whose lock prevents the exclusive one, except an autovacuum."""


async def lock_tickets_shared(session: Session) -> None:
    """Keep the rules unchanged until the transaction ends."""
    await session.run(LOCK_SHARED)


async def lock_tickets_exclusive(
    session: Session, seconds_max: float = EXCLUSIVE_LOCK_SECONDS_MAX
) -> None:
    """Prevent other transactions from changing tickets until this one ends.

    Raises:
        Unavailable: others hold the shared lock for too long.

    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds_max
    patience = _PATIENCE_SECONDS_MIN
    while await _has_older_transactions(session, patience) or not await _lock(session, patience):
        if clock() > deadline:
            raise Unavailable(
                f"Other transactions kept tickets locked for {seconds_max:g} seconds; try again."
            )
        patience = min(2 * patience, _PATIENCE_SECONDS_MAX)


async def _has_older_transactions(session: Session, seconds: float) -> bool:
    """Return whether a transaction keeps tickets locked for longer than some seconds."""
    before = await _conflicting_transactions(session)
    if not before:
        return False
    # Random, so that two transactions that want the lock do not look at the same time forever.
    await asyncio.sleep(seconds * (1 + random.random()))  # noqa: S311  # jitter is not a secret
    return bool(before & await _conflicting_transactions(session))


async def _conflicting_transactions(session: Session) -> AbstractSet[str]:
    """Return the transactions that prevent this one from getting the exclusive lock."""
    return {row["transaction"] for row in await session.rows(_CONFLICTING)}


async def _lock(session: Session, seconds: float) -> bool:
    """Request the exclusive lock for some seconds; return whether the transaction has it."""
    try:
        lock = _LOCK_EXCLUSIVE.format(round(seconds * 1000))
        await session.connection.execute(f"{lock}; {_LIMITS}")
    except asyncpg.LockNotAvailableError:
        await session.connection.execute("ROLLBACK TO SAVEPOINT before_lock")
        return False
    return True
