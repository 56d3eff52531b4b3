"""Web sessions: the users who are signed in to the web UI, on any server.

The browser has a random id in a cookie. The database has only its digest, so a copy of the database
does not sign in anyone.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final

from sqlalchemy import (
    ARRAY,
    Integer,
    Interval,
    LargeBinary,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)

from engine.errors import Unavailable
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import user_settings, web_sessions
from engine.storage.user_settings import SETTINGS_COLUMNS, settings_of
from engine.tickets.actor import Actor
from engine.user_settings import UserSettings

_ID_BYTES: Final = 32
_ID_CHARACTERS: Final = len(token_urlsafe(_ID_BYTES))
_USE_PERIOD: Final = timedelta(minutes=1)
"""How late `used_at` can be: a request writes only if the last one to do so is older."""
_BATCH_SESSIONS: Final = 1_000

_DIGEST: Final = web_sessions.c.digest == bindparam("digest")
_IS_VALID: Final = (web_sessions.c.expires_at > func.now()) & (
    web_sessions.c.used_at > func.now() - bindparam("idle", type_=Interval)
)
_MUST_RECORD_USE: Final = web_sessions.c.used_at < func.now() - _USE_PERIOD
_CREATE: Final = Statement.of(
    insert(web_sessions).values(
        digest=bindparam("digest"),
        user_id=bindparam("user_id"),
        name=bindparam("name"),
        groups=bindparam("groups"),
        is_admin=bindparam("is_admin"),
        expires_at=func.now() + bindparam("lifetime", type_=Interval),
        id_token=bindparam("id_token"),
    )
)
_READ: Final = Statement.of(
    select(
        web_sessions.c.user_id,
        web_sessions.c.name,
        web_sessions.c.groups,
        web_sessions.c.is_admin,
        web_sessions.c.expires_at,
        web_sessions.c.id_token,
        (func.now() - web_sessions.c.claims_at).label("claims_age"),
        _MUST_RECORD_USE.label("must_record_use"),
        *SETTINGS_COLUMNS,
    )
    .outerjoin_from(web_sessions, user_settings, user_settings.c.user_id == web_sessions.c.user_id)
    .where(_DIGEST, _IS_VALID)
)
_RECORD_USE: Final = Statement.of(
    update(web_sessions).where(_DIGEST, _MUST_RECORD_USE).values(used_at=func.now())
)
_RENEW: Final = Statement.of(
    update(web_sessions)
    .where(_DIGEST)
    .values(
        name=bindparam("new_name"),
        groups=bindparam("new_groups"),
        is_admin=bindparam("new_is_admin"),
        id_token=bindparam("new_id_token"),
        claims_at=func.now(),
        used_at=func.now(),
    )
)
_VALID: Final = Statement.of(
    select(web_sessions.c.digest).where(
        web_sessions.c.digest == func.any(bindparam("digests", type_=ARRAY(LargeBinary))),
        _IS_VALID,
    )
)
_EXPIRED: Final = (
    select(web_sessions.c.digest)
    .where(~_IS_VALID)
    .limit(bindparam("batch", type_=Integer))
    .with_for_update(skip_locked=True)
    .cte("expired")
)
_DELETE_EXPIRED: Final = Statement.of(
    delete(web_sessions)
    .where(web_sessions.c.digest == _EXPIRED.c.digest)
    .returning(literal_column("1"))
)
_DELETE: Final = Statement.of(delete(web_sessions).where(_DIGEST))
_DELETE_OF_USER: Final = Statement.of(
    delete(web_sessions)
    .where(web_sessions.c.user_id == bindparam("user_id"))
    .returning(literal_column("1"))
)


@dataclass(frozen=True, slots=True)
class SessionLifetime:
    """How long web sessions last.

    Attributes:
        longest: after the sign-in.
        idle: after the last request.

    """

    longest: timedelta
    idle: timedelta


@dataclass(frozen=True, slots=True)
class WebSession:
    """A valid session.

    Attributes:
        digest: SHA-256 of the id in the cookie.
        actor: the user, as the OpenID provider described them last.
        claims_age: how long ago that was.
        id_token: names the session to the OpenID provider; None without a provider.
        settings: of the user.

    """

    digest: bytes
    actor: Actor
    claims_age: timedelta
    expires_at: datetime
    id_token: str | None
    settings: UserSettings


def session_digest(session_id: str) -> bytes:
    """Return the digest of an id: the key of the session in the database."""
    return sha256(session_id.encode()).digest()


@dataclass(frozen=True, slots=True)
class WebSessionStore:
    """Creates, reads and deletes sessions."""

    database: Database
    lifetime: SessionLifetime

    async def create(self, actor: Actor, id_token: str | None = None) -> str:
        """Create a session of a user, and return its id, which is not stored."""
        session_id = token_urlsafe(_ID_BYTES)
        await self.database.row(
            _CREATE,
            digest=session_digest(session_id),
            user_id=actor.id,
            name=actor.name,
            groups=sorted(actor.groups),
            is_admin=actor.is_admin,
            lifetime=self.lifetime.longest,
            id_token=id_token,
        )
        return session_id

    async def read(self, session_id: str) -> WebSession | None:
        """Return a session that is used now; None if it does not exist or has expired."""
        if len(session_id) != _ID_CHARACTERS or not session_id.isascii():
            return None
        digest = session_digest(session_id)
        row = await self.database.row(_READ, digest=digest, idle=self.lifetime.idle)
        if row is None:
            return None
        if row["must_record_use"]:
            with suppress(Unavailable):  # a database that accepts no changes can still be read
                await self.database.row(_RECORD_USE, digest=digest)
        actor = Actor(row["user_id"], row["name"], frozenset(row["groups"]), row["is_admin"])
        return WebSession(
            digest,
            actor,
            row["claims_age"],
            row["expires_at"],
            row["id_token"],
            settings_of(row),
        )

    async def renew(self, digest: bytes, actor: Actor, id_token: str | None) -> None:
        """Store what the OpenID provider says about the user of a session now.

        The session expires when it would have expired otherwise. It keeps its id, so that requests
        of other tabs that are under way do not end at the sign-in.
        """
        await self.database.row(
            _RENEW,
            digest=digest,
            new_name=actor.name,
            new_groups=sorted(actor.groups),
            new_is_admin=actor.is_admin,
            new_id_token=id_token,
        )

    async def find_valid(self, digests: Collection[bytes]) -> frozenset[bytes]:
        """Return the digests of the sessions that are valid; this is not a use of them."""
        rows = await self.database.rows(_VALID, digests=list(digests), idle=self.lifetime.idle)
        return frozenset(row["digest"] for row in rows)

    async def delete(self, digest: bytes) -> None:
        """Delete one session, if it exists."""
        await self.database.row(_DELETE, digest=digest)

    async def delete_of_user(self, user_id: str) -> int:
        """Delete all sessions of a user; return how many were deleted."""
        return len(await self.database.rows(_DELETE_OF_USER, user_id=user_id))

    async def delete_expired(self, batch: int = _BATCH_SESSIONS) -> int:
        """Delete the sessions that have expired; return how many were deleted.

        Each batch is a transaction, and skips sessions that another server deletes.
        """
        deleted = 0
        idle = self.lifetime.idle
        while rows := await self.database.rows(_DELETE_EXPIRED, batch=batch, idle=idle):
            deleted += len(rows)
        return deleted
