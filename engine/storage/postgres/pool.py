"""A pool of connections to the database.

The pool of asyncpg starts a task and a timer for each acquired connection, which costs a fifth of
the rate of a one-statement transaction (`benchmarks.storage`). This one takes connections from a
stack.
"""

from asyncio import CancelledError, Task, create_task, shield
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from types import TracebackType
from typing import Final, NamedTuple

import asyncpg

from engine.errors import Overloaded
from engine.storage.postgres.connection import Connection
from engine.storage.postgres.errors import (
    is_connection_broken,
    is_unavailable,
    map_errors,
    misconfigured,
    unavailable,
)
from engine.storage.postgres.slots import NoFreeSlot, Slots, WaitBounds

IDLE_SECONDS_MAX: Final = 300
"""Firewalls and proxies can drop an idle connection without closing it."""
_RESET_SECONDS_MAX: Final = 10
WAIT_BOUNDS: Final = WaitBounds(tasks=1_000, seconds=30)
"""The default for tasks that wait for a connection."""


class IdleConnection(NamedTuple):
    """A connection that no task uses.

    Attributes:
        since: the time of its release.
        reconnections_before: the number of reconnections before it was acquired for the last time.

    """

    since: float
    reconnections_before: int
    connection: Connection


@dataclass(slots=True)
class Reconnections:
    """How often all connections had to be opened again, which pools can share.

    After the database failed, another server can be in its place, so older connections are not
    used again.
    """

    count: int = 0


@dataclass(slots=True)
class ConnectionPool:
    """A bounded number of connections, for which a bounded number of tasks wait in FIFO order.

    A released connection is not reset, because that costs a quarter of the rate, so tasks must not
    leave state in a connection (no SET, no LISTEN, no session-level advisory lock).

    Attributes:
        size: the maximum number of connections.
        connect: opens a connection.
        bounds: of the tasks that wait for a connection.
        reconnections: after failures of the database.
        slots: one for each connection that is in use.
        idle: the free connections, the latest on top.

    """

    size: int
    connect: Callable[[], Awaitable[Connection]] = field(repr=False)  # contains the password
    bounds: WaitBounds = WAIT_BOUNDS
    reconnections: Reconnections = field(default_factory=Reconnections)
    slots: Slots = field(init=False)
    idle: list[IdleConnection] = field(init=False, default_factory=list)
    is_closed: bool = field(init=False, default=False)
    _resets: set[Task[None]] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.slots = Slots(self.size, self.bounds)

    def acquire(self) -> "Lease":
        """Return a context manager that acquires a connection for its block.

        Its beginning raises `Overloaded` if too many tasks wait, or this one for too long. Its
        beginning and its end raise `Unavailable` if the database does not respond or rejects the
        connection, or if the pool is closed. Its end raises `Misconfigured` if a table, a column or
        a right is missing.
        """
        return Lease(self)

    async def take(self) -> Connection:
        """Wait for a free connection, or for permission to open one; return the connection."""
        if self.is_closed:
            raise asyncpg.InterfaceError("the pool is closed")
        try:
            await self.slots.acquire()
        except NoFreeSlot as error:
            raise self._overloaded(error) from None
        try:
            return self._latest_idle() or await self.connect()
        except BaseException:
            self.slots.release()
            raise

    def _overloaded(self, error: NoFreeSlot) -> Overloaded:
        tasks, seconds = self.bounds.tasks, self.bounds.seconds
        if error.waited:
            return Overloaded(
                f"The request waited {seconds:g} s for a connection to the database.",
                limit="wait_seconds",
                bound=seconds,
            )
        return Overloaded(
            f"{tasks:,} requests are waiting for a connection to the database.",
            limit="connection_waiters",
            bound=tasks,
        )

    def _latest_idle(self) -> Connection | None:
        """Return the latest usable idle connection; terminate those that are not usable."""
        oldest, reconnections = monotonic() - IDLE_SECONDS_MAX, self.reconnections.count
        while self.idle:
            since, reconnections_before, connection = self.idle.pop()
            if (
                since > oldest
                and reconnections_before == reconnections
                and not connection.is_closed()
            ):
                return connection
            connection.terminate()
        return None

    def release(self, connection: Connection, reconnections_before: int) -> None:
        """Return a connection to the pool.

        Args:
            connection: the connection.
            reconnections_before: the number of reconnections before it was acquired.

        """
        self.idle.append(IdleConnection(monotonic(), reconnections_before, connection))
        self.slots.release()

    def reset_and_release(self, connection: Connection, reconnections_before: int) -> Task[None]:
        """Return a connection to the pool after an error, which can leave it in any state.

        Returns:
            The task that does so. The pool keeps it, so the caller need not wait for it.

        """
        task = create_task(self._reset_and_release(connection, reconnections_before))
        self._resets.add(task)
        task.add_done_callback(self._resets.discard)
        return task

    async def _reset_and_release(self, connection: Connection, reconnections_before: int) -> None:
        # In one round trip. Outside a transaction, ROLLBACK does nothing.
        statements = f"ROLLBACK;\n{connection.get_reset_query()}"
        try:
            await connection.execute(statements, timeout=_RESET_SECONDS_MAX)
        except BaseException:  # noqa: BLE001 - the pool replaces the connection
            connection.terminate()
        self.release(connection, reconnections_before)

    async def close(self) -> None:
        """Wait until all connections are released, and close them. Idempotent."""
        self.is_closed = True
        await self.slots.wait_until_unused()
        while self.idle:
            await self.idle.pop().connection.close()


@dataclass(slots=True)
class Lease:
    """A connection of a pool for the length of a block."""

    pool: ConnectionPool
    connection: Connection = field(init=False)
    _reconnections_before: int = field(init=False)

    async def __aenter__(self) -> Connection:
        self._reconnections_before = self.pool.reconnections.count
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
            self.pool.release(self.connection, self._reconnections_before)
            return
        if is_connection_broken(error):
            self.pool.reconnections.count += 1
            self.connection.terminate()
        reset = self.pool.reset_and_release(self.connection, self._reconnections_before)
        if not isinstance(error, CancelledError | TimeoutError):  # which end the waiting
            await shield(reset)
        if is_unavailable(error):
            raise unavailable(error) from error
        if (mismatch := misconfigured(error)) is not None:
            raise mismatch from error
