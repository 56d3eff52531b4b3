"""What a connection asks of the server and of the network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_KEEPALIVE_IDLE_SECONDS: Final = 30
_KEEPALIVE_INTERVAL_SECONDS: Final = 10
_KEEPALIVE_COUNT: Final = 3
_UNACKNOWLEDGED_SECONDS_MAX: Final = 30
"""After that, a connection whose data is not acknowledged is closed."""

SOCKET_OPTIONS: Final = {
    "TCP_KEEPIDLE": _KEEPALIVE_IDLE_SECONDS,
    "TCP_KEEPINTVL": _KEEPALIVE_INTERVAL_SECONDS,
    "TCP_KEEPCNT": _KEEPALIVE_COUNT,
    "TCP_USER_TIMEOUT": _UNACKNOWLEDGED_SECONDS_MAX * 1000,
}
"""Options of TCP sockets, by their names in `socket`. Some systems lack some of them."""
NETWORK_PARAMETERS: Final = {
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
    "(SELECT round(1000 * extract(epoch FROM least(shorter, interval '{milliseconds} ms')))::text"
    " FROM nullif(current_setting('{name}')::interval, interval '0') AS shorter)"
)


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
                name: at_most(name, seconds) if seconds else "'0'"
                for name, seconds in limits.items()
                if seconds is not None
            },
            "synchronous_commit": _AT_LEAST_ON,
        }


CONNECTION_SETTINGS: Final = ConnectionSettings()


def at_most(name: str, seconds: float) -> str:
    """Return the SQL for a time limit in milliseconds; a shorter one that is set remains."""
    return _AT_MOST.format(name=name, milliseconds=round(seconds * 1000))


def set_config(parameters: Mapping[str, str], *, is_local: bool) -> str:
    """Return the SQL that sets parameters of the server, for the session or a transaction."""
    local = str(is_local).lower()
    assignments = (f"set_config('{name}', {sql}, {local})" for name, sql in parameters.items())
    return f"SELECT {', '.join(assignments)}"
