"""Connections through PgBouncer, which runs the transactions of one client in several sessions."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import Integer, bindparam, text

from engine.limits import DATABASE_CONNECTIONS_MIN
from engine.storage.migrate import check_schema, migrate
from engine.storage.postgres.connection_settings import ConnectionSettings
from engine.storage.postgres.database import Database, Row, open_database
from engine.storage.postgres.databases import DatabaseLimits, open_databases
from engine.storage.postgres.slots import WaitBounds
from engine.storage.postgres.statements import Statement
from engine.storage.tickets.store import TicketStore
from tests.support.concurrent_changes import flaws, open_ticket, pick_up
from tests.support.declared_resources import put_resources
from tests.support.own_postgres import OwnPostgres, own_postgres
from tests.support.pgbouncer import pgbouncer

SETTINGS = (
    "current_setting('synchronous_commit') AS commit, current_setting('lock_timeout') AS lock"
)
SHOW = Statement.of(text(f"SELECT {SETTINGS}, pg_backend_pid() AS pid"))
NUMBERS = Statement.of(
    text("SELECT generate_series(1, :last) AS number").bindparams(bindparam("last", 7, Integer))
)
LIMITS = ConnectionSettings(lock_seconds=3)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def postgres() -> AsyncIterator[OwnPostgres]:
    async with own_postgres("synchronous_commit=off") as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pooled_url(postgres: OwnPostgres) -> AsyncIterator[str]:
    """Return the address of a database with the schema and the defaults."""
    async with pgbouncer(postgres) as url:
        await asyncio.gather(*(migrate(url) for _ in range(4)))
        async with open_database(url) as database:
            await put_resources(database)
        yield url


@pytest.fixture
async def pooled(pooled_url: str) -> AsyncIterator[Database]:
    async with open_database(pooled_url, settings=LIMITS) as database:
        yield database


async def test_replicas_migrate_through_a_pooler_together(pooled_url: str) -> None:
    await check_schema(pooled_url)
    await migrate(pooled_url)


@pytest.mark.parametrize("kind", ["statement", "transaction", "snapshot"])
async def test_each_transaction_sets_its_parameters(kind: str, pooled: Database) -> None:
    async def show() -> Row | None:
        match kind:
            case "statement":
                return await pooled.row(SHOW)
            case "transaction":
                async with pooled.transaction() as session:
                    return await session.row(SHOW)
            case _:
                async with pooled.snapshot() as session:
                    return await session.row(SHOW)

    shown = [each for each in await asyncio.gather(*(show() for _ in range(30))) if each]
    assert len({each["pid"] for each in shown}) > 1
    assert {(each["commit"], each["lock"]) for each in shown} == {("on", "3s")}


async def test_no_parameter_remains_in_a_session(pooled: Database, pooled_url: str) -> None:
    await asyncio.gather(*(pooled.row(SHOW) for _ in range(30)))
    other = await asyncpg.connect(pooled_url, statement_cache_size=0)
    async with other.transaction():
        [shown] = await other.fetch(SHOW.sql)
    await other.close()
    assert (shown["commit"], shown["lock"]) == ("off", "0")


async def test_rows_are_streamed_without_a_named_statement(pooled: Database) -> None:
    async with pooled.snapshot() as session:
        numbers = [each["number"] async for each in session.stream(NUMBERS, prefetch=3)]
    assert numbers == list(range(1, 8))
    prepared = Statement.of(text("SELECT count(*) AS count FROM pg_prepared_statements"))
    for [row] in await asyncio.gather(*(pooled.rows(prepared) for _ in range(30))):
        assert row["count"] == 0


async def test_tickets_change_at_the_same_time(pooled: Database) -> None:
    store = TicketStore(pooled)

    async def open_and_pick_up() -> None:
        await pick_up(store, await open_ticket(store))

    await asyncio.gather(*(open_and_pick_up() for _ in range(30)))
    assert await flaws(pooled) == []


async def test_a_connection_is_used_again_after_an_error(pooled: Database) -> None:
    async def fail_in_transaction() -> None:
        async with pooled.transaction() as session:
            await session.rows(SHOW)
            raise ZeroDivisionError

    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            await fail_in_transaction()
        assert await pooled.row(SHOW)


async def test_requests_use_the_pooler_and_other_work_does_not(
    pooled_url: str, postgres: OwnPostgres
) -> None:
    limits = DatabaseLimits(DATABASE_CONNECTIONS_MIN, WaitBounds(tasks=1, seconds=20), 20, 2)
    direct = set()
    async with open_databases(pooled_url, limits, postgres.url) as databases:
        for kind, database in databases.by_kind.items():
            await database.check()
            async with database.pool.acquire() as connection:
                if connection.is_direct:
                    direct.add(kind)
    assert direct == {"administration", "background", "essential"}
