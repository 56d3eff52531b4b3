"""Idempotency keys: the same key by the same actor carries a request out once only.

A key is claimed first, in the transaction that carries the request out. Whoever comes second waits
for the first to end: if it committed, the claim fails and the first result is returned; if it was
refused, its claim is gone with it.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from engine.errors import IdempotencyConflict
from engine.storage.database import Database, Session
from engine.storage.statements import Statement
from engine.storage.tables import idempotency_keys
from engine.tickets.actor import Actor
from engine.tickets.requests import Form

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


@dataclass(frozen=True, slots=True)
class FirstResult:
    """What a request with this key led to: the ticket, as it was in this version."""

    ticket: str
    version: int


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
    def of(cls, actor: Actor, form: Form) -> Self | None:
        """Return the request with its key; None if it has none."""
        if form.idempotency_key is None:
            return None
        asked = type(form).__name__ + form.model_dump_json(exclude={"idempotency_key"})
        return cls(actor.id, form.idempotency_key, sha256(asked.encode()).digest())

    async def first_result(self, database: Database | Session) -> FirstResult | None:
        """Return what the key led to before; None if it is new.

        Raises:
            IdempotencyConflict: it was used for something else.

        """
        row = await database.row(FIND, owner=self.actor, name=self.key)
        if row is None:
            return None
        if row["request"] != self.digest:
            raise IdempotencyConflict(
                f"The idempotency key {self.key!r} stands for another request of this actor;"
                " use a new key for a new request.",
                ticket=row["ticket"],
            )
        return FirstResult(row["ticket"], row["version"])

    async def claim(self, session: Session) -> bool:
        """Take the key for this transaction; False if it is taken already."""
        values = {"owner": self.actor, "name": self.key, "request": self.digest}
        return await session.row(CLAIM, **values) is not None

    async def settle(self, session: Session, result: FirstResult) -> None:
        """Note what the claimed key leads to."""
        owned = {"owner": self.actor, "name": self.key}
        await session.run(SETTLE, **owned, to_ticket=result.ticket, to_version=result.version)
