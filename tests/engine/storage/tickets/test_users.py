"""The name of a user is recorded by digest each time that it changes."""

import asyncio
from dataclasses import replace

import pytest

from engine.sealing.chain import name_digest
from engine.storage.postgres.database import Database
from engine.storage.tickets.users import ensure_users, save_user
from tests.support.personas import ANNA

NAMES = "SELECT seq, digest FROM user_names WHERE user_id = $1 ORDER BY seq"
AWKWARD = 'Änna "K." \\ \U0001f525\u2028'


async def names_of(database: Database, user: str) -> list[tuple[int, bytes]]:
    async with database.transaction() as session:
        rows = await session.connection.fetch(NAMES, user)
        stored = await session.connection.fetchval("SELECT name_seq FROM users WHERE id = $1", user)
        assert (stored or 0) == len(rows)
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("is_known", [False, True], ids=["a new user", "a known user"])
async def test_each_name_is_recorded_once(database: Database, *, is_known: bool) -> None:
    if is_known:
        async with database.transaction() as session:
            await ensure_users(session, ANNA.id)
    assert await names_of(database, ANNA.id) == []
    names = (ANNA.name, ANNA.name, AWKWARD, ANNA.name)
    for name in names:
        await save_user(database, replace(ANNA, name=name))
    assert await names_of(database, ANNA.id) == [
        (seq, name_digest(ANNA.id, seq, name))
        for seq, name in enumerate((ANNA.name, AWKWARD, ANNA.name), 1)
    ]


async def test_the_last_recorded_name_is_the_stored_one(database: Database) -> None:
    actors = [replace(ANNA, name=f"Anna {number % 3}") for number in range(20)]
    await asyncio.gather(*(save_user(database, actor) for actor in actors))
    recorded = await names_of(database, ANNA.id)
    seq, digest = recorded[-1]
    async with database.transaction() as session:
        name = await session.connection.fetchval("SELECT name FROM users WHERE id = $1", ANNA.id)
    assert [number for number, _ in recorded] == list(range(1, len(recorded) + 1))
    assert digest == name_digest(ANNA.id, seq, name)
