"""Gates that block transactions, to force interleavings without sleeping."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import asyncpg

TIMEOUT_SECONDS: Final = 20
"""How long a failing test waits."""

_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
_GATE: Final = 0x6A7E
_CREATE_FUNCTION: Final = f"""
CREATE OR REPLACE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({_GATE});
    RETURN NEW;
END
$$
"""
BEFORE_INSERT: Final = "CREATE TRIGGER gate BEFORE INSERT ON {}"
AT_COMMIT: Final = "CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON {} DEFERRABLE INITIALLY DEFERRED"
_OTHERS: Final = (
    "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True, slots=True)
class Observer:
    """A separate connection that watches the others, holds locks and releases them."""

    connection: asyncpg.Connection

    async def _create_gate(self, trigger: str, table: str) -> None:
        """Create an open gate for all inserts into a table."""
        await self.connection.execute(_CREATE_FUNCTION)
        each = "FOR EACH ROW EXECUTE FUNCTION wait_at_gate()"
        await self.connection.execute(f"{trigger.format(table)} {each}")

    @asynccontextmanager
    async def closed_gate(self, table: str, trigger: str = BEFORE_INSERT) -> AsyncIterator[None]:
        """Close a gate during the block."""
        await self._create_gate(trigger, table)
        await self.connection.execute(f"SELECT pg_advisory_lock({_GATE})")
        try:
            yield
        finally:
            await self.connection.execute(f"SELECT pg_advisory_unlock({_GATE})")

    @asynccontextmanager
    async def holding(self, *statements: str) -> AsyncIterator[None]:
        """Run statements, hold their locks during the block, then commit."""
        async with self.connection.transaction():
            for statement in statements:
                await self.connection.execute(statement)
            yield

    async def wait_until_blocked(self, backends: int) -> list[int]:
        """Wait until as many others wait for a lock; return their pids."""
        return await self.wait_for(backends, "wait_event_type = 'Lock'")

    async def wait_until_looking(self, backends: int = 1, since: datetime = _LONG_AGO) -> None:
        """Wait until as many others have looked whether they can lock the table of tickets."""
        looked = f"query LIKE '%FROM pg_locks%' AND query_start > '{since.isoformat()}'"
        await self.wait_for(backends, looked)

    async def wait_until_idle(self) -> None:
        """Wait until no other statement runs and no other transaction is open."""
        await self.wait_for(0, "backend_type = 'client backend' AND state IS DISTINCT FROM 'idle'")

    async def wait_for(self, backends: int, condition: str) -> list[int]:
        """Wait until as many other backends meet a condition; return their pids."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                # In a transaction, as in `holding`, PostgreSQL would return the first result again.
                await self.connection.execute("SELECT pg_stat_clear_snapshot()")
                found = await self.connection.fetch(f"SELECT pid {_OTHERS} AND {condition}")
                if len(found) == backends:
                    return [each["pid"] for each in found]


@asynccontextmanager
async def open_observer(url: str) -> AsyncIterator[Observer]:
    connection = await asyncpg.connect(url)
    try:
        yield Observer(connection)
    finally:
        await connection.close()
