"""What other processes tell this one through the database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from sqlalchemy import Text, bindparam, func, literal_column, select

from engine.errors import Unavailable
from engine.storage.postgres.database import Session, connect
from engine.storage.postgres.errors import map_errors
from engine.storage.postgres.pool import Connection
from engine.storage.postgres.statements import Statement

CHANNEL: Final = "interlock_rules"
"""What servers listen to, to read again what is declared and what is switched on."""
TELL: Final = Statement.of(
    select(func.pg_notify(literal_column(f"'{CHANNEL}'"), bindparam("news", type_=Text)))
)
RECONNECT_SECONDS: Final = 1


async def notify(session: Session, news: str) -> None:
    """Let every server know, when the transaction commits, that the rules are others."""
    await session.row(TELL, news=news)


async def listen(url: str, channel: str, at_least_every: float) -> AsyncIterator[None]:
    """Yield, for ever, whenever there may be something new.

    That is when the connection stands (again), when somebody tells something on `channel`, and
    every `at_least_every` seconds in case a notice was lost.
    """
    while True:
        with suppress(Unavailable):
            async with listening(url, channel) as (connection, told):
                while not connection.is_closed():
                    told.clear()
                    yield
                    with suppress(TimeoutError):
                        async with asyncio.timeout(at_least_every):
                            await told.wait()
        await asyncio.sleep(RECONNECT_SECONDS)
        yield


@asynccontextmanager
async def listening(url: str, channel: str) -> AsyncIterator[tuple[Connection, asyncio.Event]]:
    """Yield a connection that listens, and the event that it sets on a notice or at its end.

    It is a connection of its own: what listens is never handed back to a pool.
    """
    told = asyncio.Event()
    connection = await connect(url)
    with map_errors():
        try:
            await connection.add_listener(channel, lambda *_: told.set())
            connection.add_termination_listener(lambda *_: told.set())
            yield connection, told
        finally:
            connection.terminate()
