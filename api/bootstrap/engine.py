"""Opens the database for a command or a server."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog

from api.settings import Settings
from engine.errors import Misconfigured
from engine.storage.migrate import check_schema, migrate
from engine.storage.postgres.connection import StatementObserver
from engine.storage.postgres.database import Database
from engine.storage.postgres.databases import DatabaseLimits, Databases, open_databases
from engine.storage.postgres.durability import read_durability_risks
from engine.storage.postgres.embedded import EmbeddedServer, embedded_server
from engine.storage.postgres.slots import WaitBounds

_DURABILITY_PAGE: Final = "docs/durability.md"

log: Final = structlog.get_logger(component="database")


@dataclass(frozen=True, slots=True)
class EngineHandle:
    """The engine on an open database.

    Attributes:
        direct_url: the address of the database for connections of their own, with its password.
        databases: the database, for each kind of work.
        embedded: the server of the database; None if Interlock did not start it.

    """

    direct_url: str = field(repr=False)
    databases: Databases
    embedded: EmbeddedServer | None = None

    @property
    def database(self) -> Database:
        """The database for commands."""
        return self.databases.administration


@asynccontextmanager
async def open_engine(
    settings: Settings, *, creates: bool = True, on_statement: StatementObserver | None = None
) -> AsyncIterator[EngineHandle]:
    """Open the database of the settings.

    Args:
        settings: the address of the database, or the data folder of the embedded one.
        creates: whether to create and to migrate it, or to require that it exists and has the
            schema of this version.
        on_statement: called with each statement that was run.

    Raises:
        Misconfigured: the data folder can't hold a database, or only the direct URL is set; or the
            database does not exist or has another schema, and is not to be created.
        Unavailable: the database does not answer or refuses the connection.

    """
    async with AsyncExitStack() as stack:
        direct = settings.database_direct_url
        if settings.database_url is None and direct is not None:
            raise Misconfigured(
                "INTERLOCK_DATABASE_DIRECT_URL is set without INTERLOCK_DATABASE_URL. Without a"
                " connection pooler, set only INTERLOCK_DATABASE_URL."
            )
        if settings.database_url is None:
            embedded = stack.enter_context(embedded_server(settings.data_dir, creates=creates))
            url = embedded.url
        else:
            embedded = None
            url = settings.database_url.get_secret_value()
        direct_url = direct.get_secret_value() if direct else url
        await (migrate if creates else check_schema)(direct_url)
        opening = open_databases(url, _database_limits(settings), direct_url, on_statement)
        yield EngineHandle(direct_url, await stack.enter_async_context(opening), embedded)


async def require_notifications(engine: EngineHandle, settings: Settings) -> None:
    """Check that notifications of the database reach a server.

    Raises:
        Misconfigured: the only URL is that of a connection pooler, behind which they get lost.

    """
    if settings.database_direct_url is not None:
        return
    async with engine.database.pool.acquire() as connection:
        if not connection.is_direct:
            raise Misconfigured(
                "INTERLOCK_DATABASE_URL leads to a connection pooler such as PgBouncer. Also set"
                " INTERLOCK_DATABASE_DIRECT_URL, to the URL of the PostgreSQL server itself."
            )


async def warn_about_durability(engine: EngineHandle) -> None:
    """Log each setting of the database with which acknowledged changes can be lost."""
    for risk in await read_durability_risks(engine.database):
        log.warning("acknowledged changes can be lost", **risk._asdict(), page=_DURABILITY_PAGE)


def _database_limits(settings: Settings) -> DatabaseLimits:
    limits = settings.limits.server
    return DatabaseLimits(
        settings.database_connections,
        WaitBounds(limits.connection_waiters, limits.wait_seconds),
        statement_seconds=settings.limits.http.request_seconds,
        lock_wait_seconds=limits.lock_wait_seconds,
    )


def open_current(settings: Settings) -> AbstractAsyncContextManager[EngineHandle]:
    """Open the database of the settings, which must have the schema of this version."""
    return open_engine(settings, creates=False)
