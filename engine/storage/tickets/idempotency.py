"""Idempotency keys: a request with the same key by the same actor is executed only once.

The transaction that executes the request claims the key, after it locks the ticket and before it
decides anything. A second request waits for the first to end. If the first committed, the claim
fails and the second returns the result of the first; if it was refused, its claim is rolled back.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final, Self

from sqlalchemy import Integer, Interval, bindparam, delete, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert

from engine.errors import IdempotencyConflict, Unavailable
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import idempotency_keys
from engine.storage.tickets.reader import read_version
from engine.tickets.actor import Actor
from engine.tickets.commands import Command
from engine.tickets.ticket import Ticket

KEY_RETENTION_HOURS: Final = 24
_BATCH_KEYS: Final = 1_000

_OWN_KEY: Final = (idempotency_keys.c.actor == bindparam("owner")) & (
    idempotency_keys.c.key == bindparam("name")
)
_CLAIM: Final = Statement.of(
    insert(idempotency_keys)
    .values(actor=bindparam("owner"), key=bindparam("name"), request=bindparam("request"))
    .on_conflict_do_nothing()
    .returning(idempotency_keys.c.key)
)
_FIND: Final = Statement.of(
    select(idempotency_keys).where(_OWN_KEY).with_for_update(read=True, key_share=True)
)
"""The lock is a write, so the commit waits for a synchronous standby. Without it, the result of a
first request whose own wait was cancelled would be acknowledged before a standby has it."""
_RECORD_RESULT: Final = Statement.of(
    update(idempotency_keys)
    .where(_OWN_KEY)
    .values(ticket=bindparam("to_ticket"), version=bindparam("to_version"))
)
_EXPIRED: Final = (
    select(idempotency_keys.c.actor, idempotency_keys.c.key)
    .where(idempotency_keys.c.created_at < func.now() - bindparam("age", type_=Interval))
    .order_by(idempotency_keys.c.created_at)
    .limit(bindparam("batch", type_=Integer))
    .with_for_update(skip_locked=True)
    .cte("expired")
)
_DELETE_EXPIRED: Final = Statement.of(
    delete(idempotency_keys)
    .where(
        idempotency_keys.c.actor == _EXPIRED.c.actor,
        idempotency_keys.c.key == _EXPIRED.c.key,
    )
    .returning(literal_column("1"))
)


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request with an idempotency key.

    Attributes:
        digest: SHA-256 of the command, to recognize another request with the same key.

    """

    actor: str
    key: str
    digest: bytes

    @classmethod
    def of(cls, actor: Actor, command: Command) -> Self | None:
        """Return the request of a command; None if the command has no idempotency key."""
        if command.idempotency_key is None:
            return None
        content = type(command).__name__ + command.model_dump_json(exclude={"idempotency_key"})
        return cls(actor.id, command.idempotency_key, sha256(content.encode()).digest())

    async def first_result(self, source: Database | Session) -> Ticket | None:
        """Return the ticket as the first request with this key left it; None if the key is new.

        Raises:
            IdempotencyConflict: the key belongs to another request.

        """
        row = await source.row(_FIND, owner=self.actor, name=self.key)
        if row is None:
            return None
        if row["request"] != self.digest:
            raise IdempotencyConflict(
                f"You used the idempotency key {self.key!r} for another request;"
                " use a new key for a new request.",
                ticket=row["ticket"],
            )
        return await read_version(source, row["ticket"], row["version"])


async def execute_once(
    session: Session, actor: Actor, command: Command, execute: Callable[[], Awaitable[Ticket]]
) -> Ticket:
    """Execute a command in this transaction, or return the result of the first execution.

    Raises:
        IdempotencyConflict: the key belongs to another request.
        Unavailable: the key expired after the claim failed.

    """
    request = KeyedRequest.of(actor, command)
    if request is None:
        return await execute()
    own_key = {"owner": actor.id, "name": request.key}
    if await session.row(_CLAIM, **own_key, request=request.digest) is not None:
        ticket = await execute()
        await session.run(_RECORD_RESULT, **own_key, to_ticket=ticket.id, to_version=ticket.version)
        return ticket
    if first := await request.first_result(session):
        return first
    raise key_expired()


def key_expired() -> Unavailable:
    """Return the error for a key that expired between the failed claim and the read."""
    return Unavailable("The idempotency key expired during the request; send the request again.")


async def prune_keys(
    database: Database, hours: int = KEY_RETENTION_HOURS, batch: int = _BATCH_KEYS
) -> int:
    """Delete the keys that are older than some hours; return how many were deleted.

    Each batch is a transaction, and skips keys that another process has locked. So every replica
    can run this at any time, and can be stopped at any time.
    """
    deleted = 0
    while keys := await database.rows(_DELETE_EXPIRED, age=timedelta(hours=hours), batch=batch):
        deleted += len(keys)
    return deleted
