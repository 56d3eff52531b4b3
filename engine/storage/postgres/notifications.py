"""Notifications between servers that share a database."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Text, bindparam, func, literal_column, select

from engine.storage.postgres.connection import Connection, connect
from engine.storage.postgres.database import Session
from engine.storage.postgres.errors import map_errors
from engine.storage.postgres.statements import Statement

CHANNEL: Final = "interlock_rules"
"""Announces that the declaration or the state of a plugin has changed."""
_NOTIFY: Final = Statement.of(
    select(func.pg_notify(literal_column(f"'{CHANNEL}'"), bindparam("message", type_=Text)))
)


async def notify(session: Session, message: str) -> None:
    """Notify all servers when the transaction commits."""
    await session.row(_NOTIFY, message=message)


@dataclass(slots=True)
class Listener:
    """Waits for notifications on a connection of its own, because LISTEN changes its state.

    Attributes:
        url: the database.
        channel: the channel to listen on.
        at_least_every: the longest wait in seconds, in case a notification was lost.

    """

    url: str = field(repr=False)
    channel: str
    at_least_every: float
    _connection: Connection | None = field(init=False, default=None)
    _notified: asyncio.Event = field(init=False, default_factory=asyncio.Event)

    async def wait(self) -> None:
        """Return when something can have changed.

        That is after each (re)connection, after each notification, and after `at_least_every`
        seconds.

        Raises:
            Unavailable: the database does not respond or rejects the connection.

        """
        if self._connection is None or self._connection.is_closed():
            await self._connect()
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self.at_least_every):
                await self._notified.wait()
        self._notified.clear()

    async def _connect(self) -> None:
        connection = await connect(self.url)
        try:
            with map_errors():
                await connection.add_listener(self.channel, lambda *_: self._notified.set())
                connection.add_termination_listener(lambda *_: self._notified.set())
        except BaseException:
            connection.terminate()
            raise
        self._connection = connection

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.terminate()
