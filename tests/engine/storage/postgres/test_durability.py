"""Settings of the database with which acknowledged changes can be lost."""

from engine.storage.postgres.database import open_database
from engine.storage.postgres.durability import read_durability_risks
from tests.support.own_postgres import OwnPostgres, own_postgres, standby_of

RISKS = {"fsync=off", "full_page_writes=off", "synchronous_standby_names=''"}


async def read_risky_settings(server: OwnPostgres) -> set[str]:
    """Return the settings that a role without special rights finds."""
    async with open_database(server.url.replace("postgres@", "server@")) as database:
        return {each.setting for each in await read_durability_risks(database)}


async def test_settings_that_can_lose_changes_are_found() -> None:
    async with own_postgres() as primary:
        await primary.execute("CREATE ROLE server LOGIN")
        assert await read_risky_settings(primary) == set()
        async with standby_of(primary):
            await primary.execute(
                "ALTER SYSTEM SET fsync = off",
                "ALTER SYSTEM SET full_page_writes = off",
                "SELECT pg_reload_conf()",
            )
            assert await read_risky_settings(primary) == RISKS
            await primary.execute(
                "ALTER SYSTEM RESET ALL",
                "ALTER SYSTEM SET synchronous_standby_names = '*'",
                "SELECT pg_reload_conf()",
            )
            assert await read_risky_settings(primary) == set()
