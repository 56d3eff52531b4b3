"""A clock of the database that a test controls."""

from dataclasses import dataclass
from datetime import datetime

from tests.support.lock_gates import Observer

CLOCK = (
    "CREATE TABLE clock (at timestamptz)",
    "INSERT INTO clock VALUES ('2030-01-01 12:00Z')",
    "GRANT SELECT ON clock TO PUBLIC",
    "CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT at FROM clock'",
)
"""The search path makes statements use this function instead of the built-in one."""


@dataclass(frozen=True, slots=True)
class DatabaseClock:
    """The clock of a database, for connections that are opened after it was installed."""

    observer: Observer

    @classmethod
    async def install(cls, observer: Observer) -> "DatabaseClock":
        """Install a clock in the database of an observer; it shows noon of 2030-01-01, UTC."""
        for statement in CLOCK:
            await observer.connection.execute(statement)
        return await cls.of_copy(observer)

    @classmethod
    async def of_copy(cls, observer: Observer) -> "DatabaseClock":
        """Return the clock of a copy of a database that has one; it shows the same time."""
        name = await observer.connection.fetchval("SELECT current_database()")
        path = "SET search_path = public, pg_catalog"
        await observer.connection.execute(f"ALTER DATABASE {name} {path}")
        return cls(observer)

    async def show(self, at: datetime) -> None:
        """Set the clock."""
        await self.observer.connection.execute("UPDATE clock SET at = $1", at)
