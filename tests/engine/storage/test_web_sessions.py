"""Web sessions end when they are deleted, too old, or not used; the database never has their id."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from engine.storage.postgres.database import Database
from engine.storage.web_sessions import SessionLifetime, WebSessionStore, session_digest
from engine.tickets.actor import Actor
from tests.support.lock_gates import Observer
from tests.support.personas import ADA, ANNA, MARTON

LIFETIME = SessionLifetime(longest=timedelta(hours=12), idle=timedelta(minutes=120))
OLDER = (
    "UPDATE web_sessions SET expires_at = expires_at - $1::interval,"
    " used_at = used_at - $1::interval"
)
UNUSED = "UPDATE web_sessions SET used_at = used_at - $1::interval"
EXPIRED = (
    "INSERT INTO web_sessions (digest, user_id, name, groups, is_admin, expires_at)"
    " SELECT sha256(n::text::bytea), 'u_b1', 'Anna', '{}', false, now() - interval '1 second'"
    " FROM generate_series(1, 25) AS n"
)
COUNT = "SELECT count(*) FROM web_sessions"


@pytest.fixture
def sessions(database: Database) -> WebSessionStore:
    return WebSessionStore(database, LIFETIME)


@pytest.mark.parametrize("actor", [ANNA, MARTON, ADA], ids=lambda each: each.id)
async def test_a_session_returns_the_user_as_they_signed_in(
    sessions: WebSessionStore, actor: object
) -> None:
    session_id = await sessions.create(actor, "a.b.c")  # type: ignore[arg-type]  # parametrized
    session = await sessions.read(session_id)
    assert session
    assert (session.actor, session.id_token) == (actor, "a.b.c")
    assert session.digest == session_digest(session_id)


async def test_each_id_is_new_and_only_its_digest_is_stored(
    sessions: WebSessionStore, owner: asyncpg.Connection
) -> None:
    ids = {await sessions.create(ANNA) for _ in range(5)}
    assert len(ids) == 5
    rows = await owner.fetch("SELECT web_sessions::text AS row FROM web_sessions")
    assert not any(each in row["row"] for each in ids for row in rows)


@pytest.mark.parametrize("wrong", ["", "x", "x" * 43, "\0" * 43, "é" * 43, "\udc80" * 43])
async def test_an_unknown_id_is_no_session(sessions: WebSessionStore, wrong: str) -> None:
    await sessions.create(ANNA)
    assert await sessions.read(wrong) is None


@pytest.mark.parametrize(
    ("statement", "age", "is_valid"),
    [
        (UNUSED, timedelta(minutes=119), True),
        (UNUSED, timedelta(minutes=120), False),
        (OLDER, timedelta(minutes=119), True),
        (OLDER, timedelta(hours=12), False),
    ],
    ids=["used lately", "idle", "young", "old"],
)
async def test_a_session_expires(
    sessions: WebSessionStore,
    owner: asyncpg.Connection,
    statement: str,
    age: timedelta,
    is_valid: bool,  # noqa: FBT001  # parametrized
) -> None:
    session_id = await sessions.create(ANNA)
    await owner.execute(statement, age)
    digest = session_digest(session_id)
    assert await sessions.find_valid([digest]) == (frozenset([digest]) if is_valid else frozenset())
    assert (await sessions.read(session_id) is not None) is is_valid


async def test_a_used_session_still_expires_in_the_end(
    sessions: WebSessionStore, owner: asyncpg.Connection
) -> None:
    session_id = await sessions.create(ANNA)
    for _ in range(11):
        await owner.execute(OLDER, timedelta(minutes=65))
        assert await sessions.read(session_id)
    await owner.execute(OLDER, timedelta(minutes=65))
    assert await sessions.read(session_id) is None


async def test_renewed_claims_replace_the_old_ones_and_nothing_else(
    sessions: WebSessionStore, owner: asyncpg.Connection
) -> None:
    session_id, other = await sessions.create(ANNA, "a.b.c"), await sessions.create(ANNA)
    await owner.execute("UPDATE web_sessions SET claims_at = claims_at - interval '1 hour'")
    before = await sessions.read(session_id)
    assert before
    assert before.claims_age >= timedelta(hours=1)
    now = Actor(ANNA.id, "Anna L.", frozenset({"b", "a"}), is_admin=True)
    await sessions.renew(before.digest, now, "d.e.f")
    after = await sessions.read(session_id)
    assert after
    assert (after.actor, after.id_token) == (now, "d.e.f")
    assert after.claims_age < timedelta(hours=1)
    assert after.expires_at == before.expires_at
    unchanged = await sessions.read(other)
    assert unchanged
    assert unchanged.actor == ANNA


async def test_a_use_is_recorded_at_most_once_a_minute(
    sessions: WebSessionStore, owner: asyncpg.Connection
) -> None:
    session_id = await sessions.create(ANNA)
    used_at = "SELECT now() - used_at FROM web_sessions"
    await owner.execute(UNUSED, timedelta(seconds=50))
    await sessions.read(session_id)
    assert await owner.fetchval(used_at) >= timedelta(seconds=50)
    await owner.execute(UNUSED, timedelta(seconds=20))
    await sessions.find_valid([session_digest(session_id)])
    assert await owner.fetchval(used_at) >= timedelta(seconds=70)
    await sessions.read(session_id)
    assert await owner.fetchval(used_at) < timedelta(seconds=50)


async def test_a_locked_session_can_be_read(sessions: WebSessionStore, observer: Observer) -> None:
    session_id = await sessions.create(ANNA)
    async with observer.holding("SELECT FROM web_sessions FOR UPDATE"):
        assert await sessions.read(session_id)


async def test_one_session_or_all_of_a_user_are_deleted(sessions: WebSessionStore) -> None:
    first, second = [await sessions.create(ANNA) for _ in range(2)]
    other = await sessions.create(MARTON)
    await sessions.delete(session_digest(first))
    assert await sessions.read(first) is None
    assert await sessions.read(second)
    assert await sessions.delete_of_user(ANNA.id) == 1
    assert await sessions.delete_of_user(ANNA.id) == 0
    assert await sessions.read(second) is None
    assert await sessions.read(other)


async def test_servers_delete_expired_sessions_together(
    sessions: WebSessionStore, owner: asyncpg.Connection
) -> None:
    await sessions.create(ANNA)
    await owner.execute(UNUSED, timedelta(minutes=121))
    valid = await sessions.create(ANNA)
    await owner.execute(EXPIRED)
    deleted = await asyncio.gather(*(sessions.delete_expired(batch=2) for _ in range(4)))
    assert sum(deleted) == 26
    assert await owner.fetchval(COUNT) == 1
    assert await sessions.read(valid)


async def test_a_locked_session_is_skipped(sessions: WebSessionStore, observer: Observer) -> None:
    await observer.connection.execute(EXPIRED)
    lock = "SELECT FROM web_sessions WHERE digest IN (sha256('1'), sha256('2')) FOR UPDATE"
    async with observer.holding(lock):
        assert await sessions.delete_expired(batch=10) == 23
    assert await sessions.delete_expired(batch=10) == 2
