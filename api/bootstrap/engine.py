"""Opens the database for a command or a server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from api.settings import Settings
from engine.storage.migrate import check_schema, migrate
from engine.storage.postgres.database import Database
from engine.storage.postgres.databases import DatabaseLimits, Databases, open_databases
from engine.storage.postgres.embedded import embedded_server
from engine.storage.postgres.slots import WaitBounds


@dataclass(frozen=True, slots=True)
class EngineHandle:
    """The engine on an open database.

    Attributes:
        url: the address of the database, with its password.
        databases: the database, for each kind of work.

    """

    url: str = field(repr=False)
    databases: Databases

    @property
    def database(self) -> Database:
        """The database for commands."""
        return self.databases.administration


@asynccontextmanager
async def open_engine(
    settings: Settings, prepare: Callable[[str], Awaitable[None]] = migrate
) -> AsyncIterator[EngineHandle]:
    """Open the database of the settings.

    Args:
        settings: the address of the database, or the data folder of the embedded one.
        prepare: migrates the schema (`migrate`) or requires the current one (`check_schema`).

    Raises:
        Misconfigured: the data folder can't hold a database.
        Unavailable: the database does not answer or refuses the connection.

    """
    async with AsyncExitStack() as stack:
        if settings.database_url is None:
            url = stack.enter_context(embedded_server(settings.data_dir))
        else:
            url = settings.database_url.get_secret_value()
        await prepare(url)
        limits = _database_limits(settings)
        yield EngineHandle(url, await stack.enter_async_context(open_databases(url, limits)))


def _database_limits(settings: Settings) -> DatabaseLimits:
    limits = settings.limits.server
    return DatabaseLimits(
        settings.database_connections,
        WaitBounds(limits.connection_waiters, limits.wait_seconds),
        statement_seconds=settings.limits.http.request_seconds,
        lock_wait_seconds=limits.lock_wait_seconds,
    )


def open_current(settings: Settings) -> AbstractAsyncContextManager[EngineHandle]:
    """Open the database of the settings without a migration.

    Raises:
        Misconfigured: the database does not have the schema of this version.

    """
    return open_engine(settings, check_schema)
