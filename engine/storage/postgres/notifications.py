"""Notifications between servers that share a database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from sqlalchemy import Text, bindparam, func, literal_column, select

from engine.errors import Unavailable
from engine.storage.postgres.connection import Connection, connect
from engine.storage.postgres.database import Session
from engine.storage.postgres.errors import map_errors
from engine.storage.postgres.statements import Statement

CHANNEL: Final = "interlock_rules"
"""Announces that the declaration or the state of a plugin has changed."""
_NOTIFY: Final = Statement.of(
    select(func.pg_notify(literal_column(f"'{CHANNEL}'"), bindparam("message", type_=Text)))
)
_RECONNECT_SECONDS: Final = 1


async def notify(session: Session, message: str) -> None:
    """Notify all servers when the transaction commits."""
    await session.row(_NOTIFY, message=message)


async def listen(url: str, channel: str, at_least_every: float) -> AsyncIterator[None]:
    """Yield, without end, whenever something can have changed.

    That is after each (re)connection, after each notification on `channel`, and every
    `at_least_every` seconds in case a notification was lost.
    """
    while True:
        with suppress(Unavailable):
            async with _listening(url, channel) as (connection, notified):
                while not connection.is_closed():
                    notified.clear()
                    yield
                    with suppress(TimeoutError):
                        async with asyncio.timeout(at_least_every):
                            await notified.wait()
        await asyncio.sleep(_RECONNECT_SECONDS)
        yield


@asynccontextmanager
async def _listening(url: str, channel: str) -> AsyncIterator[tuple[Connection, asyncio.Event]]:
    """Yield a connection that listens, and the event that it sets on a notification or at its end.

    The connection is not one of the pool, because LISTEN changes the state of a connection.
    """
    notified = asyncio.Event()
    connection = await connect(url)
    with map_errors():
        try:
            await connection.add_listener(channel, lambda *_: notified.set())
            connection.add_termination_listener(lambda *_: notified.set())
            yield connection, notified
        finally:
            connection.terminate()
