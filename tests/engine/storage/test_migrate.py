"""Migrations create the declared tables, from any number of replicas at the same time."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from engine.errors import Misconfigured, Unavailable
from engine.storage.history.audit import count_tickets
from engine.storage.migrate import check_schema, migrate
from engine.storage.postgres.database import open_database
from engine.storage.postgres.tables import metadata
from engine.storage.tickets.store import TicketStore
from tests.support.concurrent_changes import open_ticket
from tests.support.databases import (
    EMPTY,
    SERVER_ROLE,
    as_server,
    database_address,
    execute,
    new_database,
)
from tests.support.lock_gates import Observer

REVISIONS = {
    "of a pre-release version": ("0001", "created by a pre-release version of Interlock"),
    "of a later version": ("9999_later", "9999_later, which this version of Interlock does not"),
}


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    return list(compare_metadata(context, metadata))


@pytest.fixture
async def empty_database(server: str) -> AsyncIterator[str]:
    async with new_database(server, EMPTY) as url:
        yield url


async def test_migrations_create_the_declared_tables(database_url: str) -> None:
    engine = create_async_engine(database_url.replace("postgresql:", "postgresql+asyncpg:", 1))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_replicas_migrate_an_empty_database_together(empty_database: str) -> None:
    await asyncio.gather(*(migrate(empty_database) for _ in range(4)))
    await check_schema(empty_database)
    async with open_database(empty_database) as database:
        assert await count_tickets(database) == 0


async def test_a_database_without_schema_does_not_pass_the_check(empty_database: str) -> None:
    with pytest.raises(Misconfigured, match="has no schema yet: run `interlock migrate` first"):
        await check_schema(empty_database)


@pytest.mark.parametrize(("revision", "message"), REVISIONS.values(), ids=REVISIONS)
async def test_a_database_of_another_version_is_refused(
    database_url: str, observer: Observer, revision: str, message: str
) -> None:
    await observer.connection.execute("UPDATE alembic_version SET version_num = $1", revision)
    for prepare in (migrate, check_schema):
        with pytest.raises(Misconfigured, match=message) as refused:
            await prepare(database_url)
        assert "\n" not in refused.value.message


FOREIGN = {
    "other migrations": "CREATE TABLE alembic_version (id int)",
    "another table": "CREATE TABLE tickets (id int)",
    "another function": "CREATE FUNCTION reject_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
    " RETURN NULL; END'",
}


@pytest.mark.parametrize("statement", FOREIGN.values(), ids=FOREIGN)
async def test_a_database_of_another_program_is_refused(
    empty_database: str, statement: str
) -> None:
    await execute(empty_database, statement)
    with pytest.raises(Misconfigured, match="has tables or functions that are not Interlock's"):
        await migrate(empty_database)


async def test_a_database_of_two_versions_is_refused(database_url: str, observer: Observer) -> None:
    await observer.connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    with pytest.raises(Misconfigured, match=r"schema \w+, 9999, which this version"):
        await check_schema(database_url)


async def test_a_role_without_rights_is_refused(database_url: str, observer: Observer) -> None:
    await observer.connection.execute(f"REVOKE ALL ON alembic_version FROM {SERVER_ROLE}")
    with pytest.raises(Misconfigured, match=r"cannot read the database .*`interlock db grants`"):
        await check_schema(database_url)


async def test_a_role_that_owns_nothing_needs_no_rights_for_a_current_schema(
    database_url: str,
) -> None:
    await migrate(database_url)
    await check_schema(database_url)


async def test_a_role_that_owns_nothing_cannot_migrate(template: str) -> None:
    async with new_database(template, EMPTY) as url:
        with pytest.raises(Misconfigured, match="does not own its tables: run `interlock migrate`"):
            await migrate(as_server(url))


async def test_a_role_that_owns_nothing_cannot_renumber_a_moved_log(
    store: TicketStore, database_url: str, owner: asyncpg.Connection
) -> None:
    await open_ticket(store)
    await owner.execute("SET session_replication_role = replica")
    await owner.execute("UPDATE ticket_status_history SET transaction = transaction + 1000000000")
    with pytest.raises(Misconfigured, match="does not own its tables: run `interlock migrate`"):
        await migrate(database_url)


async def test_the_error_for_a_missing_database_does_not_contain_its_address(server: str) -> None:
    address = database_address(server, "no_such_database")
    with pytest.raises(Unavailable) as refused:
        await migrate(address)
    assert "no_such" not in refused.value.message
    with pytest.raises(Unavailable):
        async with open_database(address):
            pass
