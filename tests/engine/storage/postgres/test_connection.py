import socket

import pytest

from engine.errors import Misconfigured, Unavailable
from engine.storage.postgres.connection import ConnectionSettings, connect
from engine.storage.postgres.database import Database, open_database
from tests.support.databases import execute
from tests.support.own_postgres import own_postgres

LIMITS = ConnectionSettings(
    statement_seconds=5, lock_seconds=1.5, idle_in_transaction_seconds=7, transaction_seconds=60
)
STATEMENT, LOCK, IDLE, TRANSACTION = (
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "transaction_timeout",
)


@pytest.mark.parametrize(
    ("settings", "version", "expected"),
    [
        pytest.param(
            LIMITS,
            17,
            {STATEMENT: "5000", LOCK: "1500", IDLE: "7000", TRANSACTION: "60000"},
            id="all limits",
        ),
        pytest.param(
            LIMITS,
            16,
            {STATEMENT: "5000", LOCK: "1500", IDLE: "7000"},
            id="version 16 does not know transaction_timeout",
        ),
        pytest.param(ConnectionSettings(), 18, {IDLE: "15000"}, id="by default"),
        pytest.param(
            ConnectionSettings(statement_seconds=0),
            18,
            {STATEMENT: "0", IDLE: "15000"},
            id="no limit",
        ),
    ],
)
def test_parameters_of_a_session(
    settings: ConnectionSettings, version: int, expected: dict[str, str]
) -> None:
    assert settings.parameters(version) == expected


async def test_a_session_keeps_its_settings_when_it_is_reset(database_url: str) -> None:
    connection = await connect(database_url, LIMITS)
    try:
        for _ in range(2):
            shown = {
                name: await connection.fetchval("SELECT current_setting($1, true)", name)
                for name in (STATEMENT, LOCK, IDLE, TRANSACTION)
            }
            version = connection.get_server_version().major
            assert shown == {
                STATEMENT: "5s",
                LOCK: "1500ms",
                IDLE: "7s",
                TRANSACTION: "1min" if version >= 17 else None,
            }
            await connection.execute("SET lock_timeout = 0")
            await connection.reset()
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        ("off", "on"),
        ("local", "on"),
        ("remote_write", "on"),
        ("on", "on"),
        ("remote_apply", "remote_apply"),
    ],
)
async def test_commits_are_at_least_as_durable_as_on(
    database_url: str, owner_url: str, configured: str, expected: str
) -> None:
    name = database_url.rpartition("/")[2].partition("?")[0]
    await execute(owner_url, f"ALTER DATABASE {name} SET synchronous_commit = {configured}")
    connection = await connect(database_url)
    try:
        assert await connection.fetchval("SHOW synchronous_commit") == expected
        await connection.reset()
        assert await connection.fetchval("SHOW synchronous_commit") == expected
    finally:
        await connection.close()


async def test_both_ends_of_a_tcp_connection_notice_a_lost_network() -> None:
    async with own_postgres() as server:
        connection = await connect(server.url)
        opened = connection._transport.get_extra_info("socket")  # noqa: SLF001  # not public
        assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        for option, value in (
            (socket.TCP_KEEPIDLE, 30),
            (socket.TCP_KEEPINTVL, 10),
            (socket.TCP_KEEPCNT, 3),
            (socket.TCP_USER_TIMEOUT, 30_000),
        ):
            assert opened.getsockopt(socket.IPPROTO_TCP, option) == value
        for parameter, shown in (
            ("tcp_keepalives_idle", "30"),
            ("tcp_keepalives_interval", "10"),
            ("tcp_keepalives_count", "3"),
            ("tcp_user_timeout", "30000"),
        ):
            assert await connection.fetchval(f"SHOW {parameter}") == shown
        await connection.close()


async def test_the_server_ends_an_idle_transaction_and_releases_its_locks(
    database_url: str,
) -> None:
    async def keep_lock(database: Database) -> None:
        async with database.transaction() as session:
            await session.connection.execute("LOCK TABLE tickets")
            await execute(database_url, "BEGIN; LOCK TABLE tickets; COMMIT")
            await session.connection.fetchval("SELECT 1")

    limits = ConnectionSettings(idle_in_transaction_seconds=0.05)
    async with open_database(database_url, 1, limits) as database:
        with pytest.raises(Unavailable):
            await keep_lock(database)
        await database.check()


@pytest.mark.parametrize("url", ["postgresql://host:port/name", "postgresql://h?sslmode=perhaps"])
async def test_an_invalid_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Misconfigured, match=r"INTERLOCK_DATABASE_URL is invalid"):
        await connect(url)
