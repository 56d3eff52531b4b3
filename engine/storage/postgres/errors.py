"""Errors of the database driver: an unavailable database, as opposed to a wrong statement."""

from types import TracebackType
from typing import Final

import asyncpg

from engine.errors import DeadlineExceeded, Misconfigured, Overloaded, Unavailable

_CONNECTION_BROKEN: Final = (
    asyncpg.InterfaceError,  # the connection is closed
    asyncpg.InternalClientError,  # the session ended while the connection was idle
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.DatabaseDroppedError,
    asyncpg.ReadOnlySQLTransactionError,  # a primary that is now a standby
)
"""The server is gone, or another one is in its place; all connections are then opened again."""
_UNAVAILABLE: Final = (
    *_CONNECTION_BROKEN,
    OSError,
    TimeoutError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.LockNotAvailableError,
    asyncpg.PostgresSystemError,
    asyncpg.TransactionRollbackError,
    asyncpg.TransactionTimeoutError,
)


def is_unavailable(error: BaseException) -> bool:
    """Return whether an error means that the database is unavailable.

    An InterfaceError that is also a ValueError means that an argument cannot be encoded.
    """
    return isinstance(error, _UNAVAILABLE) and not isinstance(error, ValueError)


def is_connection_broken(error: BaseException) -> bool:
    """Return whether an error means that other connections are of no use, either."""
    return isinstance(error, _CONNECTION_BROKEN) and not isinstance(error, ValueError)


def unavailable(error: BaseException) -> Unavailable:
    """Return the error for an unavailable database."""
    match error:
        case asyncpg.LockNotAvailableError():
            return Overloaded(
                "Another transaction kept the data locked for too long.", limit="lock_wait_seconds"
            )
        case asyncpg.QueryCanceledError():
            return DeadlineExceeded("The database stopped a statement that took too long.")
    reason = type(error).__name__  # the text can contain the URL with its password
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        return Unavailable(f"The database does not accept changes ({reason}); try again.")
    return Unavailable(f"The database does not respond ({reason}); try again.")


def misconfigured(error: BaseException) -> Misconfigured | None:
    """Return the error for a database that is not as this version needs it; None for others."""
    match error:
        case asyncpg.InsufficientPrivilegeError():
            return Misconfigured(
                f"The database role lacks a right: {error.args[0]}. Run the SQL that"
                " `interlock db grants` prints for the role."
            )
        case asyncpg.UndefinedTableError() | asyncpg.UndefinedColumnError():
            return Misconfigured(
                f"The database does not have the schema of this version: {error.args[0]}."
                " Restore a backup into a new database."
            )
    return None


class map_errors:  # noqa: N801  # a context manager is called like a function
    """Raise Unavailable for errors which mean that the database is unavailable."""

    def __enter__(self) -> None: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None and is_unavailable(error):
            raise unavailable(error) from error
