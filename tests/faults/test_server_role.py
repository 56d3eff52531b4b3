"""A server runs under a database role that owns nothing, and does not migrate with it."""

from tests.support.command import interlock_process, on
from tests.support.databases import EMPTY, as_server, new_database
from tests.support.replicas import UNLIMITED, replica


async def test_a_server_runs_under_a_role_that_owns_nothing(database_url: str) -> None:
    async with replica(database_url, UNLIMITED) as server:
        await server.wait_until_ready()
        assert server.problems == []


async def test_a_server_that_would_have_to_migrate_says_who_can(template: str) -> None:
    async with new_database(template, EMPTY) as url:
        done = interlock_process(
            "serve", env=on(as_server(url)) | {"INTERLOCK_JWT_SECRET": 32 * "s"}
        )
    assert done.returncode == 1
    assert done.stderr.startswith("interlock: The database needs a migration, and the role of")
    assert done.stderr.count("\n") == 1
