"""A pool of connections to the database.

The pool of asyncpg starts a task and a timer for each acquired connection, which costs a fifth of
the rate of a one-statement transaction (`benchmarks.storage`). This one takes connections from a
stack.
"""

from asyncio import Semaphore, shield
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import monotonic
from types import TracebackType
from typing import Final

import asyncpg

from engine.storage.postgres.connection import Connection
from engine.storage.postgres.errors import is_unavailable, map_errors, unavailable

IDLE_SECONDS_MAX: Final = 300
"""Firewalls and proxies can drop an idle connection without closing it."""
_RESET_SECONDS_MAX: Final = 10


@dataclass(slots=True)
class ConnectionPool:
    """A bounded number of connections. Tasks wait for a free connection in FIFO order.

    A released connection is not reset, because that costs a quarter of the rate, so tasks must not
    leave state in a connection (no SET, no LISTEN, no session-level advisory lock).

    Attributes:
        size: the maximum number of connections.
        connect: opens a connection.
        idle: the free connections, each with the time of its release, the latest on top.

    """

    size: int
    connect: Callable[[], Awaitable[Connection]] = field(repr=False)  # contains the password
    idle: list[tuple[float, Connection]] = field(init=False, default_factory=list)
    is_closed: bool = field(init=False, default=False)
    _free: Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._free = Semaphore(self.size)

    def acquire(self) -> "Lease":
        """Return a context manager that acquires a connection for its block.

        Its beginning and its end raise `Unavailable` if the database does not respond or rejects
        the connection, or if the pool is closed.
        """
        return Lease(self)

    async def take(self) -> Connection:
        """Wait for a free connection, or for permission to open one; return the connection."""
        if self.is_closed:
            raise asyncpg.InterfaceError("the pool is closed")
        await self._free.acquire()
        try:
            return self._latest_idle() or await self.connect()
        except BaseException:
            self._free.release()
            raise

    def _latest_idle(self) -> Connection | None:
        """Return the latest usable idle connection; terminate those that are not usable."""
        oldest = monotonic() - IDLE_SECONDS_MAX
        while self.idle:
            since, connection = self.idle.pop()
            if since > oldest and not connection.is_closed():
                return connection
            connection.terminate()
        return None

    def release(self, connection: Connection) -> None:
        """Return a connection to the pool."""
        self.idle.append((monotonic(), connection))
        self._free.release()

    async def reset_and_release(self, connection: Connection) -> None:
        """Return a connection to the pool after an error, which can leave it in any state."""
        try:
            await connection.reset(timeout=_RESET_SECONDS_MAX)
        except BaseException:  # noqa: BLE001 - the pool replaces the connection
            connection.terminate()
        self.release(connection)

    async def close(self) -> None:
        """Wait until all connections are released, and close them. Idempotent."""
        self.is_closed = True
        async with AsyncExitStack() as acquired:
            for _ in range(self.size):
                await acquired.enter_async_context(self._free)
            while self.idle:
                _, connection = self.idle.pop()
                await connection.close()


@dataclass(slots=True)
class Lease:
    """A connection of a pool for the length of a block."""

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
            self.pool.release(self.connection)
            return
        # Shielded, so that the connection is released even if the task is cancelled again.
        await shield(self.pool.reset_and_release(self.connection))
        if is_unavailable(error):
            raise unavailable(error) from error
