"""The database as the engine sees it: statements in, rows out, transactions as blocks."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import asyncpg
from sqlalchemy import literal_column, select, text

from engine.errors import Misconfigured
from engine.storage.postgres.errors import map_errors
from engine.storage.postgres.pool import Connection, ConnectionPool
from engine.storage.postgres.statements import Statement

POOL_CONNECTIONS: Final = 10
COMMAND_SECONDS_MAX: Final = 30

ANYTHING: Final = Statement.of(select(literal_column("1")))
CUSTOM_PLAN: Final = Statement.of(
    text("SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL random_page_cost = 1.1")
)
"""The cost is that of flash and memory: the default is a spinning disk's and shuns indexes."""

Row: TypeAlias = asyncpg.Record


@dataclass(frozen=True, slots=True)
class Session:
    """One connection, inside a transaction."""

    connection: Connection

    async def rows(self, statement: Statement, **values: object) -> list[Row]:
        """Run a statement and return what it answers."""
        return list(await self.connection.fetch(statement.sql, *statement.arguments(values)))

    async def row(self, statement: Statement, **values: object) -> Row | None:
        """Run a statement and return the first row of its answer."""
        return await self.connection.fetchrow(statement.sql, *statement.arguments(values))

    async def stream(self, statement: Statement, prefetch: int) -> AsyncIterator[Row]:
        """Run a statement and yield its answer row by row, `prefetch` of them in memory."""
        arguments = statement.arguments({})
        async for row in self.connection.cursor(statement.sql, *arguments, prefetch=prefetch):
            yield row

    async def run(self, statement: Statement, **values: object) -> None:
        """Run a statement for its effect."""
        await self.connection.execute(statement.sql, *statement.arguments(values))

    async def run_each(self, statement: Statement, each: Sequence[dict[str, object]]) -> None:
        """Run a statement for its effect, once for each set of values."""
        await self.connection.executemany(statement.sql, [statement.arguments(v) for v in each])


@dataclass(frozen=True, slots=True)
class Database:
    """A pool of connections; a statement outside a block is a transaction of its own."""

    pool: ConnectionPool

    async def rows(self, statement: Statement, **values: object) -> list[Row]:
        """Run a statement and return what it answers."""
        async with self.pool.acquire() as connection:
            return list(await connection.fetch(statement.sql, *statement.arguments(values)))

    async def row(self, statement: Statement, **values: object) -> Row | None:
        """Run a statement and return the first row of its answer."""
        async with self.pool.acquire() as connection:
            return await connection.fetchrow(statement.sql, *statement.arguments(values))

    async def rows_with_custom_plan(self, statement: Statement, **values: object) -> list[Row]:
        """Run a statement by a plan for these very values, and return what it answers.

        Left alone, PostgreSQL may settle for one plan whatever the values: a plan that finds a
        rare word at once can take seconds for a common one.
        """
        async with self.transaction() as session:
            await session.run(CUSTOM_PLAN)
            return await session.rows(statement, **values)

    async def check(self) -> None:
        """Return if the database answers.

        Raises:
            Unavailable: it does not.

        """
        await self.row(ANYTHING)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Commit at the end of the block; undo everything if it is left by an error."""
        async with self.pool.acquire() as connection, connection.transaction():
            yield Session(connection)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Session]:
        """Read, for the length of the block, the database as it was at its beginning."""
        async with (
            self.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield Session(connection)


@asynccontextmanager
async def open_database(url: str, connections: int = POOL_CONNECTIONS) -> AsyncIterator[Database]:
    """Open a database, and close it at the end of the block.

    Args:
        url: `postgresql://…`, as libpq understands it.
        connections: how many at the most; they are opened as they are needed.

    Raises:
        Unavailable: the database does not answer, or does not let us in.

    """
    pool = ConnectionPool(connections, partial(connect, url))
    async with pool.acquire():
        pass  # is there anybody?
    try:
        yield Database(pool)
    finally:
        await pool.close()


async def connect(url: str) -> Connection:
    """Open a connection.

    Raises:
        Misconfigured: the address is not one.
        Unavailable: the database does not answer, or does not let us in.

    """
    settings = {"application_name": "interlock", "timezone": "UTC"}
    try:
        with map_errors():
            return await asyncpg.connect(
                url, command_timeout=COMMAND_SECONDS_MAX, server_settings=settings
            )
    except ValueError:  # its text may hold a password
        raise Misconfigured(
            "INTERLOCK_DATABASE_URL can't be used: write postgresql://user:password@host:port/name."
        ) from None
