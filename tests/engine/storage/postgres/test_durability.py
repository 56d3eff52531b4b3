"""Settings of the database with which acknowledged changes can be lost."""

import pytest

from engine.storage.postgres.database import open_database
from engine.storage.postgres.durability import read_durability_risks
from tests.support.own_postgres import own_postgres, standby_of

SYNCHRONOUS = "ALTER SYSTEM SET synchronous_standby_names = '*'"


async def read_risky_settings(url: str) -> list[str]:
    async with open_database(url) as database:
        return [each.setting for each in await read_durability_risks(database)]


@pytest.mark.parametrize("settings", [(), ("fsync=off",), ("fsync=off", "full_page_writes=off")])
async def test_settings_that_can_lose_changes_are_found(settings: tuple[str, ...]) -> None:
    async with own_postgres(*settings) as server:
        assert await read_risky_settings(server.url) == [*settings]


async def test_asynchronous_replication_is_found() -> None:
    async with own_postgres() as primary, standby_of(primary):
        assert await read_risky_settings(primary.url) == ["synchronous_standby_names=''"]
        await primary.execute(SYNCHRONOUS, "SELECT pg_reload_conf()")
        assert await read_risky_settings(primary.url) == []
