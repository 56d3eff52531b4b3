"""Connections to the database: direct, or through a connection pooler."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from secrets import token_hex
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from engine.errors import Misconfigured, Unavailable
from engine.storage.postgres.connection_settings import (
    CONNECTION_SETTINGS,
    NETWORK_PARAMETERS,
    SOCKET_OPTIONS,
    ConnectionSettings,
    set_config,
)
from engine.storage.postgres.errors import map_errors

_STARTUP: Final = {"application_name": "interlock", "timezone": "UTC"}
"""Parameters that every server and every connection pooler accepts when a connection opens."""


class RunStatement(Protocol):
    """A statement that was run.

    Attributes:
        query: the SQL, with parameters instead of values.
        elapsed: the seconds that it took.

    """

    query: str
    elapsed: float
    exception: BaseException | None


StatementObserver = Callable[[RunStatement], None]
"""Is called soon after a statement was run, in the context of the task that ran it."""


class Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection to a session of the server, which keeps its settings when it is reset.

    Attributes:
        is_direct: whether all statements run in the same session; not if a pooler is in between.

    """

    __slots__ = ("_set_parameters", "is_direct")

    is_direct: bool
    _set_parameters: str

    def __init__(
        self, protocol: asyncio.Protocol, transport: asyncio.Transport, *arguments: object
    ) -> None:
        super().__init__(protocol, transport, *arguments)
        _set_socket_options(transport.get_extra_info("socket"))

    async def configure(self, settings: ConnectionSettings) -> None:
        """Set the parameters of the session, if it is that of this connection.

        A pooler reports a process as that of the session which runs none of the statements.
        """
        parameters = NETWORK_PARAMETERS | settings.parameters(self.get_server_version().major)
        self._set_parameters = set_config(parameters, is_local=False)
        is_own_session = f"WHERE pg_backend_pid() = {self.get_server_pid()}"
        status = await self.execute(f"{self._set_parameters} {is_own_session}")
        self.is_direct = status == "SELECT 1"

    async def begin(self, statement: str = "BEGIN") -> None:
        """Begin a transaction.

        Args:
            statement: `BEGIN` with the properties of the transaction.

        """
        await self.execute(statement)

    async def set_transaction_parameters(self) -> None:
        """Set the parameters for a transaction that was not begun by `begin`."""

    def get_reset_query(self) -> str:
        """Return the SQL with which `reset` restores the session."""
        return f"{super().get_reset_query()}\n{self._set_parameters}"


class PooledConnection(Connection):
    """A connection to a pooler, which can run each transaction in another session.

    So it sets the parameters in each transaction, it runs no statement outside of one, and it
    leaves no named statement in a session.
    """

    __slots__ = ()

    async def configure(self, settings: ConnectionSettings) -> None:
        """Keep the parameters for the transactions."""
        parameters = settings.parameters(self.get_server_version().major)
        self._set_parameters = set_config(parameters, is_local=True)
        self.is_direct = False

    async def begin(self, statement: str = "BEGIN") -> None:
        """Begin a transaction with these parameters, in one round trip."""
        await self.execute(f"{statement}; {self._set_parameters}")

    async def set_transaction_parameters(self) -> None:
        """Set the parameters for a transaction that was not begun by `begin`."""
        await self.execute(self._set_parameters)

    def get_reset_query(self) -> str:
        """Return no SQL: nothing remains after a transaction."""
        return ""

    async def fetch(self, *arguments: object, **options: object) -> list[asyncpg.Record]:
        """Run a query and return its rows."""
        async with self._in_transaction():
            rows: list[asyncpg.Record] = await super().fetch(*arguments, **options)
            return rows

    async def fetchrow(self, *arguments: object, **options: object) -> asyncpg.Record | None:
        """Run a query and return its first row."""
        async with self._in_transaction():
            return await super().fetchrow(*arguments, **options)

    async def fetchval(self, *arguments: object, **options: object) -> Any:  # noqa: ANN401  # any SQL type
        """Run a query and return a value of its first row."""
        async with self._in_transaction():
            return await super().fetchval(*arguments, **options)

    @asynccontextmanager
    async def _in_transaction(self) -> AsyncIterator[None]:
        """Begin and commit a transaction, unless there is one; the pool rolls it back."""
        if self.is_in_transaction():
            yield
            return
        await self.begin()
        yield
        await self.execute("COMMIT")

    async def prepare(self, query: str, **options: object) -> PreparedStatement:
        """Prepare a statement without a name, which is valid until the next one is prepared."""
        return await super().prepare(query, **options | {"name": ""})

    async def cursor(
        self, query: str, *arguments: object, prefetch: int
    ) -> AsyncIterator[asyncpg.Record]:
        """Yield the rows of a query; unlike the cursors of asyncpg, it has no named statement."""
        name = f"cursor_{token_hex(8)}"
        await self.execute(f"DECLARE {name} NO SCROLL CURSOR FOR {query}", *arguments)
        while rows := await self.fetch(f"FETCH {prefetch} FROM {name}"):
            for row in rows:
                yield row
        await self.execute(f"CLOSE {name}")


async def connect(
    url: str,
    settings: ConnectionSettings = CONNECTION_SETTINGS,
    on_statement: StatementObserver | None = None,
) -> Connection:
    """Open a connection: to the server, or through a pooler such as PgBouncer.

    Args:
        url: a libpq connection URI, `postgresql://…`.
        settings: of the connection.
        on_statement: called with each statement that was run.

    Raises:
        Misconfigured: the URL is invalid.
        Unavailable: the database does not respond or rejects the connection.

    """
    connection = await _open(url, settings, Connection)
    if not connection.is_direct:
        await connection.close()
        connection = await _open(url, settings, PooledConnection, statement_cache_size=0)
    if on_statement is not None:
        connection.add_query_logger(on_statement)
    return connection


async def _open(
    url: str, settings: ConnectionSettings, kind: type[Connection], **options: int
) -> Connection:
    """Open a connection to the first host of the URL that accepts it."""
    *others, last = urls = _single_host_urls(url)
    settings = replace(settings, open_seconds=settings.open_seconds / len(urls))
    for each in others:
        with suppress(Unavailable):
            return await _open_host(each, settings, kind, **options)
    return await _open_host(last, settings, kind, **options)


def _single_host_urls(url: str) -> list[str]:
    """Return a URL for each host, because asyncpg spends the whole time on one that hangs."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return [url]
    user, at, hosts = parts.netloc.rpartition("@")
    if "," not in hosts:
        return [url]
    return [parts._replace(netloc=f"{user}{at}{host}").geturl() for host in hosts.split(",")]


async def _open_host(
    url: str, settings: ConnectionSettings, kind: type[Connection], **options: int
) -> Connection:
    try:
        with map_errors():
            connection: Connection = await asyncpg.connect(
                url,
                timeout=settings.open_seconds,
                command_timeout=settings.response_seconds,
                server_settings=_STARTUP,
                connection_class=kind,
                **options,
            )
    except ValueError:  # its text can contain a password
        raise Misconfigured(
            "INTERLOCK_DATABASE_URL is invalid: write postgresql://user:password@host:port/name."
        ) from None
    try:
        with map_errors():
            await connection.configure(settings)
    except BaseException:
        connection.terminate()
        raise
    return connection


def _set_socket_options(opened: socket.socket) -> None:
    """Let the system notice when the server's machine or the network is gone."""
    if opened.family == socket.AF_UNIX:
        return
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in SOCKET_OPTIONS.items():
        if (option := getattr(socket, name, None)) is not None:
            opened.setsockopt(socket.IPPROTO_TCP, option, value)
