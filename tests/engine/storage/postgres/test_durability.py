"""Settings of the database with which acknowledged changes can be lost."""

import asyncio

import pytest

from engine.errors import Unavailable
from engine.storage.postgres.connection_settings import ConnectionSettings
from engine.storage.postgres.database import open_database
from engine.storage.postgres.durability import read_durability_risks
from engine.storage.tickets.store import TicketStore
from tests.support.concurrent_changes import open_ticket
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.own_postgres import OwnPostgres, own_postgres, prepared_postgres, standby_of

RISKS = {"fsync=off", "full_page_writes=off", "synchronous_standby_names=''"}


async def wait_until_found(server: OwnPostgres, expected: set[str]) -> None:
    """Wait until a role without special rights finds some settings, which are being reloaded."""
    async with (
        asyncio.timeout(TIMEOUT_SECONDS),
        open_database(server.url.replace("postgres@", "server@")) as database,
    ):
        while {each.setting for each in await read_durability_risks(database)} != expected:
            pass


async def test_settings_that_can_lose_changes_are_found() -> None:
    async with own_postgres() as primary:
        await primary.execute("CREATE ROLE server LOGIN")
        await wait_until_found(primary, set())
        async with standby_of(primary):
            await primary.execute(
                "ALTER SYSTEM SET fsync = off",
                "ALTER SYSTEM SET full_page_writes = off",
                "SELECT pg_reload_conf()",
            )
            await wait_until_found(primary, RISKS)
            await primary.execute(
                "ALTER SYSTEM RESET ALL",
                "ALTER SYSTEM SET synchronous_standby_names = '*'",
                "SELECT pg_reload_conf()",
            )
            await wait_until_found(primary, set())


async def test_a_commit_that_waits_for_a_standby_is_not_acknowledged_when_time_is_up() -> None:
    """Its statement timeout ends before; if it ended the wait, PostgreSQL would report success."""
    impatient = ConnectionSettings(statement_seconds=0.1, response_seconds=1)
    async with (
        prepared_postgres() as primary,
        open_database(primary.url, 1, impatient) as database,
    ):
        await primary.execute(
            "ALTER SYSTEM SET synchronous_standby_names = 'absent'", "SELECT pg_reload_conf()"
        )
        with pytest.raises(Unavailable):
            await open_tickets(TicketStore(database))


async def open_tickets(store: TicketStore) -> None:
    """Open tickets until it fails."""
    while True:
        await open_ticket(store)
