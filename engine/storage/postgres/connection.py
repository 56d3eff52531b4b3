"""Connections to the database: what each asks of the server and of the network."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from engine.errors import Misconfigured
from engine.storage.postgres.errors import map_errors

_STARTUP: Final = {"application_name": "interlock", "timezone": "UTC"}
"""Parameters that every server and every connection pooler accepts when a connection opens."""

_KEEPALIVE_IDLE_SECONDS: Final = 30
_KEEPALIVE_INTERVAL_SECONDS: Final = 10
_KEEPALIVE_COUNT: Final = 3
_UNACKNOWLEDGED_SECONDS_MAX: Final = 30
"""After that, a connection whose data is not acknowledged is closed."""

_SOCKET_OPTIONS: Final = {
    "TCP_KEEPIDLE": _KEEPALIVE_IDLE_SECONDS,
    "TCP_KEEPINTVL": _KEEPALIVE_INTERVAL_SECONDS,
    "TCP_KEEPCNT": _KEEPALIVE_COUNT,
    "TCP_USER_TIMEOUT": _UNACKNOWLEDGED_SECONDS_MAX * 1000,
}
"""Options of TCP sockets, by their names in `socket`. Some systems lack some of them."""
_NETWORK_PARAMETERS: Final = {
    "tcp_keepalives_idle": f"'{_KEEPALIVE_IDLE_SECONDS}'",
    "tcp_keepalives_interval": f"'{_KEEPALIVE_INTERVAL_SECONDS}'",
    "tcp_keepalives_count": f"'{_KEEPALIVE_COUNT}'",
    "tcp_user_timeout": f"'{_UNACKNOWLEDGED_SECONDS_MAX * 1000}'",
}
"""The same for the socket of the server, which ignores them for Unix sockets."""

_TRANSACTION_TIMEOUT_SINCE: Final = 17
"""The major version of PostgreSQL that introduced `transaction_timeout`."""
_AT_LEAST_ON: Final = (
    "CASE current_setting('synchronous_commit')"
    " WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END"
)
"""The server's `synchronous_commit` if it is stronger than `on`. A weaker one loses commits."""
_AT_MOST: Final = (
    "(SELECT round(1000 * extract(epoch FROM least(server_limit, interval '{limit} ms')))::text"
    " FROM nullif(current_setting('{name}')::interval, interval '0') AS server_limit)"
)
"""The server's limit if it is shorter than ours, in milliseconds."""


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """Time limits of a connection.

    None leaves a limit as the server has it; 0 means no limit. A shorter limit that the
    server has for the database or the role remains.

    Attributes:
        open_seconds: how long opening a connection can take.
        response_seconds: how long the client waits for the response to a statement.
        statement_seconds: how long a statement can take.
        lock_seconds: how long a statement can wait for one lock.
        idle_in_transaction_seconds: how long a transaction can wait for its next statement. Then
            the server ends the session, so that a frozen client does not keep its locks.
        transaction_seconds: how long a transaction can take. Then the server ends the session;
            PostgreSQL before version 17 has no such limit.

    """

    open_seconds: float = 10
    response_seconds: float = 30
    statement_seconds: float | None = None
    lock_seconds: float | None = None
    idle_in_transaction_seconds: float | None = 15
    transaction_seconds: float | None = None

    def parameters(self, server_version: int) -> dict[str, str]:
        """Return the SQL expression of each parameter of the server.

        Args:
            server_version: the major version of PostgreSQL.

        """
        limits = {
            "statement_timeout": self.statement_seconds,
            "lock_timeout": self.lock_seconds,
            "idle_in_transaction_session_timeout": self.idle_in_transaction_seconds,
        }
        if server_version >= _TRANSACTION_TIMEOUT_SINCE:
            limits["transaction_timeout"] = self.transaction_seconds
        return {
            **{
                name: _AT_MOST.format(name=name, limit=round(seconds * 1000)) if seconds else "'0'"
                for name, seconds in limits.items()
                if seconds is not None
            },
            "synchronous_commit": _AT_LEAST_ON,
        }


CONNECTION_SETTINGS: Final = ConnectionSettings()


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
        parameters = _NETWORK_PARAMETERS | settings.parameters(self.get_server_version().major)
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


async def connect(url: str, settings: ConnectionSettings = CONNECTION_SETTINGS) -> Connection:
    """Open a connection: to the server, or through a pooler such as PgBouncer.

    Raises:
        Misconfigured: the URL is invalid.
        Unavailable: the database does not respond or rejects the connection.

    """
    connection = await _open(url, settings, Connection)
    if connection.is_direct:
        return connection
    await connection.close()
    return await _open(url, settings, PooledConnection, statement_cache_size=0)


async def _open(
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


def set_config(parameters: Mapping[str, str], *, is_local: bool) -> str:
    """Return the SQL that sets parameters of the server, for the session or a transaction."""
    local = str(is_local).lower()
    assignments = (f"set_config('{name}', {sql}, {local})" for name, sql in parameters.items())
    return f"SELECT {', '.join(assignments)}"


def _set_socket_options(opened: socket.socket) -> None:
    """Let the system notice when the server's machine or the network is gone."""
    if opened.family == socket.AF_UNIX:
        return
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _SOCKET_OPTIONS.items():
        if (option := getattr(socket, name, None)) is not None:
            opened.setsockopt(socket.IPPROTO_TCP, option, value)
