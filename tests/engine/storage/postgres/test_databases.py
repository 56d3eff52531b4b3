"""Each kind of work has connections of its own, and time limits that fit it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import astuple, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from engine.errors import DeadlineExceeded, Overloaded
from engine.limits import DATABASE_CONNECTIONS_MIN
from engine.storage.postgres.databases import (
    DatabaseLimits,
    Databases,
    Shares,
    open_databases,
)
from engine.storage.postgres.slots import WaitBounds
from engine.storage.postgres.statements import Statement
from tests.support.lock_gates import Observer

KINDS = [each.name for each in fields(Databases)]
LIMITS = DatabaseLimits(DATABASE_CONNECTIONS_MIN, WaitBounds(tasks=1, seconds=0.01), 20, 2)
SLEEP = Statement.of(text("SELECT pg_sleep(3600)"))
LOCKED = Statement.of(text("SELECT FROM workflows FOR UPDATE"))


@pytest.fixture
async def databases(database_url: str) -> AsyncIterator[Databases]:
    async with open_databases(database_url, LIMITS) as opened:
        yield opened


@given(st.integers(DATABASE_CONNECTIONS_MIN, 1_000))
def test_every_connection_belongs_to_one_kind(connections: int) -> None:
    shares = Shares.of(connections)
    assert sum(astuple(shares)) == connections
    assert min(astuple(shares)) >= 1
    assert 0 <= shares.changes - shares.reads <= 1


def test_the_shares_of_twenty_connections() -> None:
    assert Shares.of(20) == Shares(
        reads=7, changes=7, administration=2, background=2, essential=1, probes=1
    )


async def test_a_kind_that_uses_all_its_connections_does_not_affect_the_others(
    databases: Databases,
) -> None:
    for busy in KINDS:
        pool = databases.by_kind[busy].pool
        async with AsyncExitStack() as held:
            for _ in range(pool.size):
                await held.enter_async_context(pool.acquire())
            for kind in {*KINDS} - {busy}:
                await databases.by_kind[kind].check()


async def test_each_kind_has_its_time_limits(databases: Databases) -> None:
    found = {}
    for kind in KINDS:
        async with databases.by_kind[kind].pool.acquire() as connection:
            statement = await connection.fetchval("SHOW statement_timeout")
            found[kind] = statement, await connection.fetchval("SHOW lock_timeout")
    assert found == {
        "reads": ("20s", "2s"),
        "changes": ("20s", "2s"),
        "administration": ("10min", "0"),
        "background": ("1min", "2s"),
        "essential": ("10s", "2s"),
        "probes": ("3s", "3s"),
    }


async def test_a_statement_that_takes_too_long_is_stopped(database_url: str) -> None:
    async with open_databases(database_url, replace(LIMITS, statement_seconds=0.01)) as databases:
        with pytest.raises(DeadlineExceeded):
            await databases.reads.row(SLEEP)
        await databases.reads.check()


async def test_a_statement_that_waits_too_long_for_a_lock_is_stopped(
    database_url: str, observer: Observer
) -> None:
    async with (
        open_databases(database_url, replace(LIMITS, lock_wait_seconds=0.01)) as databases,
        observer.holding(LOCKED.sql),
    ):
        with pytest.raises(Overloaded) as refusal:
            await databases.changes.row(LOCKED)
        assert refusal.value.details["limit"] == "lock_wait_seconds"
        await databases.changes.check()
