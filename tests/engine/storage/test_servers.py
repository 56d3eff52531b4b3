"""The database knows the servers that use it, until they stop or become silent."""

import asyncpg

from engine.storage.postgres.database import Database
from engine.storage.servers import (
    SILENT_SECONDS_MAX,
    ServerReport,
    forget_server,
    read_running_servers,
    report_server,
)

OLD, NEW = (ServerReport("pod-1", "1.0", digest) for digest in ("old", "new"))
OTHER = ServerReport("pod-0", "1.1", "new")
AGE = "UPDATE servers SET reported_at = reported_at - $1 * interval '1 second' WHERE id = $2"


async def test_the_last_report_of_each_server_counts(database: Database) -> None:
    await report_server(database, "a", OLD)
    await report_server(database, "b", OTHER)
    assert await read_running_servers(database) == [OTHER, OLD]
    await report_server(database, "a", NEW)
    assert await read_running_servers(database) == [OTHER, NEW]


async def test_a_server_that_stops_or_is_silent_does_not_count(
    database: Database, owner: asyncpg.Connection
) -> None:
    for server_id, report in (("a", OLD), ("b", OTHER), ("c", OLD)):
        await report_server(database, server_id, report)
    await forget_server(database, "a")
    await owner.execute(AGE, SILENT_SECONDS_MAX + 1, "b")
    assert await read_running_servers(database) == [OLD]
    await report_server(database, "b", OTHER)
    assert await read_running_servers(database) == [OTHER, OLD]


async def test_a_server_that_was_silent_for_long_is_deleted(
    database: Database, owner: asyncpg.Connection
) -> None:
    await report_server(database, "a", OLD)
    await owner.execute(AGE, 2 * 3_600, "a")
    await report_server(database, "b", OTHER)
    assert await owner.fetch("SELECT id FROM servers") == [("b",)]
