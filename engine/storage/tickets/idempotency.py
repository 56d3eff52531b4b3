"""Idempotency keys: the same key by the same actor carries a request out once only.

A key is claimed in the transaction that carries the request out, after the ticket is locked and
before anything is decided. Whoever comes second waits for the first to end: if it committed, the
claim fails and the first result is returned; if it was refused, its claim is gone with it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final, Self

from sqlalchemy import Integer, Interval, bindparam, delete, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert

from engine.errors import IdempotencyConflict, Unavailable
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import idempotency_keys
from engine.storage.tickets.reader import read_version
from engine.tickets.actor import Actor
from engine.tickets.commands import Command
from engine.tickets.ticket import Ticket

KEY_RETENTION_HOURS: Final = 24
BATCH_KEYS: Final = 1_000

OWNED: Final = (idempotency_keys.c.actor == bindparam("owner")) & (
    idempotency_keys.c.key == bindparam("name")
)
CLAIM: Final = Statement.of(
    insert(idempotency_keys)
    .values(actor=bindparam("owner"), key=bindparam("name"), request=bindparam("request"))
    .on_conflict_do_nothing()
    .returning(idempotency_keys.c.key)
)
FIND: Final = Statement.of(select(idempotency_keys).where(OWNED))
SETTLE: Final = Statement.of(
    update(idempotency_keys)
    .where(OWNED)
    .values(ticket=bindparam("to_ticket"), version=bindparam("to_version"))
)
EXPIRED: Final = (
    select(idempotency_keys.c.actor, idempotency_keys.c.key)
    .where(idempotency_keys.c.created_at < func.now() - bindparam("age", type_=Interval))
    .order_by(idempotency_keys.c.created_at)
    .limit(bindparam("batch", type_=Integer))
    .with_for_update(skip_locked=True)
    .cte("expired")
)
PRUNE: Final = Statement.of(
    delete(idempotency_keys)
    .where(
        idempotency_keys.c.actor == EXPIRED.c.actor,
        idempotency_keys.c.key == EXPIRED.c.key,
    )
    .returning(literal_column("1"))
)


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request under a key.

    Attributes:
        digest: SHA-256 of what the request asks for, so that a key can't stand for two requests.

    """

    actor: str
    key: str
    digest: bytes

    @classmethod
    def of(cls, actor: Actor, form: Command) -> Self | None:
        """Return the request with its key; None if it has none."""
        if form.idempotency_key is None:
            return None
        asked = type(form).__name__ + form.model_dump_json(exclude={"idempotency_key"})
        return cls(actor.id, form.idempotency_key, sha256(asked.encode()).digest())

    async def first_result(self, source: Database | Session) -> Row | None:
        """Return what the key led to before: a ticket and its version; None if it is new.

        Raises:
            IdempotencyConflict: it was used for something else.

        """
        row = await source.row(FIND, owner=self.actor, name=self.key)
        if row is not None and row["request"] != self.digest:
            raise IdempotencyConflict(
                f"The idempotency key {self.key!r} stands for another request of this actor;"
                " use a new key for a new request.",
                ticket=row["ticket"],
            )
        return row

    async def claim(self, session: Session) -> bool:
        """Take the key for this transaction; False if it is taken already."""
        values = {"owner": self.actor, "name": self.key, "request": self.digest}
        return await session.row(CLAIM, **values) is not None

    async def settle(self, session: Session, result: Ticket) -> None:
        """Note what the claimed key leads to."""
        owned = {"owner": self.actor, "name": self.key}
        await session.run(SETTLE, **owned, to_ticket=result.id, to_version=result.version)


async def execute_once(
    session: Session, actor: Actor, form: Command, carry_out: Callable[[], Awaitable[Ticket]]
) -> Ticket:
    """Carry out a request in this transaction, or return what its key led to before.

    Raises:
        IdempotencyConflict: the key stands for another request.
        Unavailable: the key was pruned this very moment.

    """
    request = KeyedRequest.of(actor, form)
    if request is None:
        return await carry_out()
    if await request.claim(session):
        ticket = await carry_out()
        await request.settle(session, ticket)
        return ticket
    if first := await find_first_result(session, request):
        return first
    raise key_expired()


async def find_first_result(source: Database | Session, request: KeyedRequest) -> Ticket | None:
    """Return the ticket as the request with this key left it; None if the key is new.

    Raises:
        IdempotencyConflict: the key stands for another request.

    """
    result = await request.first_result(source)
    return result and await read_version(source, result["ticket"], result["version"])


def key_expired() -> Unavailable:
    """Return the refusal of a request whose key was taken, and then pruned before it was read."""
    return Unavailable("The idempotency key expired just now; send the request again.")


async def prune_keys(
    database: Database, hours: int = KEY_RETENTION_HOURS, batch: int = BATCH_KEYS
) -> int:
    """Forget the keys that are older than some hours; return how many were forgotten.

    It works in batches, each a transaction of its own, and passes over what somebody else is
    busy with: every replica may call it at any time, and be killed at any moment.
    """
    forgotten = 0
    while keys := await database.rows(PRUNE, age=timedelta(hours=hours), batch=batch):
        forgotten += len(keys)
    return forgotten
