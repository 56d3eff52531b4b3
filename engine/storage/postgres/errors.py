"""A database that is away, told apart from a statement that is wrong."""

from types import TracebackType
from typing import Final

import asyncpg

from engine.errors import Unavailable

OUTAGES: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,
)
"""What says that the database is not there for us now, rather than that a statement is wrong."""


def is_unavailable(error: BaseException) -> bool:
    """Tell whether an error says that the database is away.

    Some of asyncpg's InterfaceErrors are ValueErrors: of an argument that can't be encoded.
    """
    return isinstance(error, OUTAGES) and not isinstance(error, ValueError)


def unavailable(error: BaseException) -> Unavailable:
    """Return the refusal for a database that is away, without its address."""
    reason = type(error).__name__  # the text may hold the address, and that a password
    return Unavailable(f"The database does not answer ({reason}); try again.")


class map_errors:  # noqa: N801  # a context manager is called like a function
    """Turn a database that is away into a refusal that says so.

    Raises:
        Unavailable: the database does not answer, or does not let us in.

    """

    def __enter__(self) -> None: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None and is_unavailable(error):
            raise unavailable(error) from error
