import socket

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from engine.errors import Misconfigured, Unavailable
from engine.storage.postgres.connection import connect
from engine.storage.postgres.connection_settings import ConnectionSettings
from engine.storage.postgres.database import Database, open_database
from engine.storage.postgres.statements import Statement
from tests.support.databases import execute
from tests.support.own_postgres import own_postgres
from tests.support.tcp_proxy import tcp_proxy


def database_name(url: str) -> str:
    name = make_url(url).database
    assert name
    return name


LIMITS = ConnectionSettings(
    statement_seconds=5, lock_seconds=1.5, idle_in_transaction_seconds=7, transaction_seconds=60
)
STATEMENT, LOCK, IDLE, TRANSACTION = (
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "transaction_timeout",
)


SETTINGS = {
    "all limits": (LIMITS, {}, {STATEMENT: "5s", LOCK: "1500ms", IDLE: "7s", TRANSACTION: "1min"}),
    "the defaults": (
        ConnectionSettings(),
        {},
        {STATEMENT: "0", LOCK: "0", IDLE: "15s", TRANSACTION: "0"},
    ),
    "no limits": (
        ConnectionSettings(idle_in_transaction_seconds=0),
        {IDLE: "1s"},
        {STATEMENT: "0", LOCK: "0", IDLE: "0", TRANSACTION: "0"},
    ),
    "shorter and longer limits of the server": (
        LIMITS,
        {STATEMENT: "10min", LOCK: "50ms", IDLE: "5s"},
        {STATEMENT: "5s", LOCK: "50ms", IDLE: "5s", TRANSACTION: "1min"},
    ),
}


@pytest.mark.parametrize(("settings", "configured", "expected"), SETTINGS.values(), ids=SETTINGS)
async def test_a_session_keeps_its_settings_when_it_is_reset(
    settings: ConnectionSettings,
    configured: dict[str, str],
    expected: dict[str, str],
    database_url: str,
    owner_url: str,
) -> None:
    name = database_name(database_url)
    for parameter, value in configured.items():
        await execute(owner_url, f"ALTER DATABASE {name} SET {parameter} = '{value}'")
    connection = await connect(database_url, settings)
    try:
        for _ in range(2):
            shown = {
                parameter: await connection.fetchval("SELECT current_setting($1, true)", parameter)
                for parameter in expected
            }
            unknown = {} if connection.get_server_version().major >= 17 else {TRANSACTION: None}
            assert shown == expected | unknown
            await connection.execute("SET lock_timeout = '7h'")
            await connection.reset()
    finally:
        await connection.close()


async def test_an_older_server_gets_no_parameter_that_it_does_not_know() -> None:
    assert LIMITS.parameters(16).keys() ^ LIMITS.parameters(17).keys() == {TRANSACTION}


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
    name = database_name(database_url)
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


async def test_a_host_that_hangs_leaves_time_for_the_next_one() -> None:
    async with own_postgres() as server, tcp_proxy("127.0.0.1", server.port) as hanging:
        hanging.stall()
        for hosts in (
            f"127.0.0.1:{hanging.local_port},127.0.0.1:{server.port}",
            f"127.0.0.1:1,127.0.0.1:{server.port}",  # refuses connections
        ):
            url = f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"
            connection = await connect(url, ConnectionSettings(open_seconds=4))
            assert await connection.fetchval("SHOW port") == str(server.port)
            await connection.close()
        with pytest.raises(Unavailable):
            await connect(url.replace("read-write", "read-only"))


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


async def test_the_server_ends_a_transaction_that_takes_too_long(database_url: str) -> None:
    limits = ConnectionSettings(transaction_seconds=0.05)
    async with open_database(database_url, 1, limits) as database:
        async with database.pool.acquire() as connection:
            version = connection.get_server_version().major
        if version < 17:
            pytest.skip(f"PostgreSQL {version} has no transaction_timeout")
        with pytest.raises(Unavailable):
            await database.rows(Statement.of(text("SELECT pg_sleep(60)")))
        await database.check()


@pytest.mark.parametrize("url", ["postgresql://host:port/name", "postgresql://h?sslmode=perhaps"])
async def test_an_invalid_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Misconfigured, match=r"INTERLOCK_DATABASE_URL is invalid"):
        await connect(url)
