"""The engine on an open database: what every command and the server begin with."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from api.settings import Settings
from engine.storage.migrate import check_schema, migrate
from engine.storage.postgres.database import Database, open_database
from engine.storage.postgres.embedded import embedded_server


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine on an open database.

    Attributes:
        url: the address of the database, with its password.

    """

    url: str = field(repr=False)
    database: Database


@asynccontextmanager
async def open_engine(
    settings: Settings, prepare: Callable[[str], Awaitable[None]] = migrate
) -> AsyncIterator[Engine]:
    """Open the database of the settings.

    Args:
        settings: where it is.
        prepare: brings it to the schema of this version, or (`check_schema`) demands it.

    Raises:
        Misconfigured: the data folder can't hold a database.
        Unavailable: the database does not answer, or does not let us in.

    """
    async with AsyncExitStack() as stack:
        if settings.database_url is None:
            url = stack.enter_context(embedded_server(settings.data_dir))
        else:
            url = settings.database_url.get_secret_value()
        await prepare(url)
        yield Engine(url, await stack.enter_async_context(open_database(url)))


def look_into(settings: Settings) -> AbstractAsyncContextManager[Engine]:
    """Open the database of the settings for one who only looks: its schema is left as it is.

    Raises:
        Misconfigured: it does not have the schema of this version.

    """
    return open_engine(settings, check_schema)
