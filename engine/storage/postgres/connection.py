"""Connections to the database: what each asks of the server and of the network."""

import asyncio
import socket
from dataclasses import dataclass
from typing import Final

import asyncpg

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
    "tcp_keepalives_idle": str(_KEEPALIVE_IDLE_SECONDS),
    "tcp_keepalives_interval": str(_KEEPALIVE_INTERVAL_SECONDS),
    "tcp_keepalives_count": str(_KEEPALIVE_COUNT),
    "tcp_user_timeout": str(_UNACKNOWLEDGED_SECONDS_MAX * 1000),
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
            **{name: f"'{value}'" for name, value in _NETWORK_PARAMETERS.items()},
            **{
                name: _AT_MOST.format(name=name, limit=round(seconds * 1000)) if seconds else "'0'"
                for name, seconds in limits.items()
                if seconds is not None
            },
            "synchronous_commit": _AT_LEAST_ON,
        }


CONNECTION_SETTINGS: Final = ConnectionSettings()


class Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that keeps its settings when it is reset."""

    __slots__ = ("_set_parameters",)

    _set_parameters: str

    def __init__(
        self, protocol: asyncio.Protocol, transport: asyncio.Transport, *arguments: object
    ) -> None:
        super().__init__(protocol, transport, *arguments)
        _set_socket_options(transport.get_extra_info("socket"))

    async def configure(self, settings: ConnectionSettings) -> None:
        """Set the parameters of the session."""
        parameters = settings.parameters(self.get_server_version().major)
        listed = (f"set_config('{name}', {sql}, false)" for name, sql in parameters.items())
        self._set_parameters = f"SELECT {', '.join(listed)};"
        await self.execute(self._set_parameters)

    def get_reset_query(self) -> str:
        """Return the SQL with which `reset` restores the session."""
        return f"{super().get_reset_query()}\n{self._set_parameters}"


async def connect(url: str, settings: ConnectionSettings = CONNECTION_SETTINGS) -> Connection:
    """Open a connection.

    Raises:
        Misconfigured: the URL is invalid.
        Unavailable: the database does not respond or rejects the connection.

    """
    try:
        with map_errors():
            connection: Connection = await asyncpg.connect(
                url,
                timeout=settings.open_seconds,
                command_timeout=settings.response_seconds,
                server_settings=_STARTUP,
                connection_class=Connection,
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
    for name, value in _SOCKET_OPTIONS.items():
        if (option := getattr(socket, name, None)) is not None:
            opened.setsockopt(socket.IPPROTO_TCP, option, value)
