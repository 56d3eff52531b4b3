"""The database: run statements, alone or in a transaction."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import asyncpg
from sqlalchemy import text

from engine.storage.postgres.connection import Connection, connect
from engine.storage.postgres.connection_settings import CONNECTION_SETTINGS, ConnectionSettings
from engine.storage.postgres.pool import ConnectionPool
from engine.storage.postgres.statements import Statement

POOL_CONNECTIONS: Final = 10

_IS_READ_ONLY: Final = Statement.of(text("SELECT current_setting('transaction_read_only') = 'on'"))
"""A standby is read-only too, and a primary with `default_transaction_read_only`."""
CUSTOM_PLAN: Final = Statement.of(
    text("SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL random_page_cost = 1.1")
)
"""With the default cost, that of a spinning disk, the planner avoids indexes."""

Row: TypeAlias = asyncpg.Record


@dataclass(frozen=True, slots=True)
class Session:
    """A connection in a transaction."""

    connection: Connection

    async def rows(self, statement: Statement, **values: object) -> list[Row]:
        """Run a statement and return its rows."""
        return list(await self.connection.fetch(statement.sql, *statement.arguments(values)))

    async def row(self, statement: Statement, **values: object) -> Row | None:
        """Run a statement and return its first row."""
        return await self.connection.fetchrow(statement.sql, *statement.arguments(values))

    async def stream(
        self, statement: Statement, prefetch: int, **values: object
    ) -> AsyncIterator[Row]:
        """Run a statement and yield its rows, with at most `prefetch` of them in memory."""
        arguments = statement.arguments(values)
        async for row in self.connection.cursor(statement.sql, *arguments, prefetch=prefetch):
            yield row

    async def run(self, statement: Statement, **values: object) -> None:
        """Run a statement."""
        await self.connection.execute(statement.sql, *statement.arguments(values))

    async def run_each(self, statement: Statement, each: Sequence[dict[str, object]]) -> None:
        """Run a statement once for each set of values."""
        await self.connection.executemany(statement.sql, [statement.arguments(v) for v in each])


@dataclass(frozen=True, slots=True)
class Database:
    """A pool of connections; a statement outside `transaction` is its own transaction."""

    pool: ConnectionPool

    async def rows(self, statement: Statement, **values: object) -> list[Row]:
        """Run a statement and return its rows."""
        async with self.pool.acquire() as connection:
            return list(await connection.fetch(statement.sql, *statement.arguments(values)))

    async def row(self, statement: Statement, **values: object) -> Row | None:
        """Run a statement and return its first row."""
        async with self.pool.acquire() as connection:
            return await connection.fetchrow(statement.sql, *statement.arguments(values))

    async def rows_with_custom_plan(self, statement: Statement, **values: object) -> list[Row]:
        """Run a statement with a plan for exactly these values, and return its rows.

        By default, PostgreSQL can reuse one plan for all values. The plan that is fast for a rare
        search word takes seconds for a common one.
        """
        async with self.transaction() as session:
            await session.run(CUSTOM_PLAN)
            return await session.rows(statement, **values)

    async def check(self) -> None:
        """Raise Unavailable if the database does not respond, or does not accept changes."""
        async with self.pool.acquire() as connection:
            if await connection.fetchval(_IS_READ_ONLY.sql):
                raise asyncpg.ReadOnlySQLTransactionError

    def transaction(self) -> AbstractAsyncContextManager[Session]:
        """Commit at the end of the block; roll back if the block raises."""
        return self._begin("BEGIN")

    def snapshot(self) -> AbstractAsyncContextManager[Session]:
        """Read the database as it is at the beginning of the block."""
        return self._begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    @asynccontextmanager
    async def _begin(self, statement: str) -> AsyncIterator[Session]:
        async with self.pool.acquire() as connection:  # which rolls back after an error
            await connection.begin(statement)
            yield Session(connection)
            await connection.execute("COMMIT")


@asynccontextmanager
async def open_database(
    url: str,
    connections: int = POOL_CONNECTIONS,
    settings: ConnectionSettings = CONNECTION_SETTINGS,
) -> AsyncIterator[Database]:
    """Open a database, and close it at the end of the block.

    Args:
        url: a libpq connection URI, `postgresql://…`.
        connections: the maximum number of connections; they are opened when needed.
        settings: of each connection.

    Raises:
        Unavailable: the database does not respond or rejects the connection.

    """
    pool = ConnectionPool(connections, partial(connect, url, settings))
    async with pool.acquire():
        pass  # fail early if the database is unavailable
    try:
        yield Database(pool)
    finally:
        await pool.close()
