"""Migrations from zero make the tables that the code is written in, from any number of replicas."""

import asyncio
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from engine.errors import Unavailable
from engine.storage.history.audit import count_tickets
from engine.storage.migrate import migrate
from engine.storage.postgres.database import open_database
from engine.storage.postgres.tables import metadata
from tests.support.databases import database_address, execute


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    return list(compare_metadata(context, metadata))


async def test_migrations_make_the_declared_tables(database_url: str) -> None:
    engine = create_async_engine(database_url.replace("postgresql:", "postgresql+asyncpg:", 1))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_replicas_migrate_an_empty_database_together(server: str) -> None:
    await execute(
        server, "DROP DATABASE IF EXISTS interlock_empty", "CREATE DATABASE interlock_empty"
    )
    await asyncio.gather(*(migrate(database_address(server, "interlock_empty")) for _ in range(4)))
    async with open_database(database_address(server, "interlock_empty")) as database:
        assert await count_tickets(database) == 0
    await execute(server, "DROP DATABASE interlock_empty")


async def test_a_database_that_is_not_there_is_told_without_its_address(server: str) -> None:
    address = database_address(server, "no_such_database")
    with pytest.raises(Unavailable) as refused:
        await migrate(address)
    assert "no_such" not in refused.value.message
    with pytest.raises(Unavailable):
        async with open_database(address):
            pass
