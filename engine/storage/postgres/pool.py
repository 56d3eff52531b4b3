"""Connections to the database, opened as they are needed and lent to one task at a time.

The pool of asyncpg starts a task and a timer for every loan, which costs a fifth of the rate of a
one-statement transition (`benchmarks.storage`). Here a loan takes a connection from a stack.
"""

from asyncio import Semaphore, shield
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import monotonic
from types import TracebackType
from typing import Final, TypeAlias

import asyncpg

from engine.storage.postgres.errors import is_unavailable, map_errors, unavailable

Connection: TypeAlias = asyncpg.Connection

IDLE_SECONDS_MAX: Final = 300
"""What lies between us and the database may forget a silent connection without telling."""
RESET_SECONDS_MAX: Final = 10


@dataclass(slots=True)
class ConnectionPool:
    """A bounded number of connections; who comes when all are lent waits in line.

    Nothing is reset after a loan that ends well, for that costs another quarter of the rate: so
    nobody leaves state in a session (no SET, no LISTEN, no session-level advisory lock).

    Attributes:
        size: how many connections at the most.
        connect: opens one.
        idle: those that are not lent, each with the moment since when, the latest on top.

    """

    size: int
    connect: Callable[[], Awaitable[Connection]] = field(repr=False)  # it knows the password
    turns: Semaphore = field(init=False)
    idle: list[tuple[float, Connection]] = field(init=False, default_factory=list)
    is_closed: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.turns = Semaphore(self.size)

    def acquire(self) -> "Lease":
        """Lend a connection for the length of a block (`async with`).

        Raises:
            Unavailable: at the beginning or at the end of the block; the database does not
                answer, or does not let us in, or the pool is closed.

        """
        return Lease(self)

    async def take(self) -> Connection:
        """Wait for a turn, and return a connection that is idle or new."""
        if self.is_closed:
            raise asyncpg.InterfaceError("the pool is closed")
        await self.turns.acquire()
        try:
            return self.latest_idle() or await self.connect()
        except BaseException:
            self.turns.release()
            raise

    def latest_idle(self) -> Connection | None:
        """Return the latest idle connection that is good for a loan; drop those that are not."""
        oldest = monotonic() - IDLE_SECONDS_MAX
        while self.idle:
            since, connection = self.idle.pop()
            if since > oldest and not connection.is_closed():
                return connection
            connection.terminate()
        return None

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next loan."""
        self.idle.append((monotonic(), connection))
        self.turns.release()

    async def recover(self, connection: Connection) -> None:
        """Give back a connection that was left by an error, perhaps in the middle of something."""
        try:
            await connection.reset(timeout=RESET_SECONDS_MAX)
        except BaseException:  # noqa: BLE001 - whatever it is, another connection will do
            connection.terminate()
        self.give_back(connection)

    async def close(self) -> None:
        """Wait for the connections that are lent, and close all; a second time, do nothing more."""
        self.is_closed = True
        async with AsyncExitStack() as turns:
            for _ in range(self.size):
                await turns.enter_async_context(self.turns)
            while self.idle:
                _, connection = self.idle.pop()
                await connection.close()


@dataclass(slots=True)
class Lease:
    """A connection for the length of a block."""

    pool: ConnectionPool
    connection: Connection = field(init=False)

    async def __aenter__(self) -> Connection:
        with map_errors():
            self.connection = await self.pool.take()
        return self.connection

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.pool.give_back(self.connection)
            return
        # A task that is cancelled twice leaves the rest to go on without it.
        await shield(self.pool.recover(self.connection))
        if is_unavailable(error):
            raise unavailable(error) from error
