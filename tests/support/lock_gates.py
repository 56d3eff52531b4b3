"""Stop a change at a chosen place, and see who waits: interleavings without luck or sleep."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import asyncpg

PATIENCE_SECONDS: Final = 20
"""How long to look for something that never happens when a test fails."""

GATE: Final = 0x6A7E
GUARD: Final = f"""
CREATE OR REPLACE FUNCTION stop_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({GATE});
    RETURN NEW;
END
$$
"""
BEFORE_INSERT: Final = "CREATE TRIGGER gate BEFORE INSERT ON {}"
AT_COMMIT: Final = "CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON {} DEFERRABLE INITIALLY DEFERRED"
OTHERS: Final = (
    "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True, slots=True)
class Observer:
    """A connection beside those of the store: it looks on, locks, and lets go."""

    connection: asyncpg.Connection

    async def set_gate(self, trigger: str, table: str) -> None:
        """Make a gate that everybody who writes to a table comes to; it stands open."""
        await self.connection.execute(GUARD)
        each = "FOR EACH ROW EXECUTE FUNCTION stop_at_the_gate()"
        await self.connection.execute(f"{trigger.format(table)} {each}")

    @asynccontextmanager
    async def closed_gate(self, table: str, trigger: str = BEFORE_INSERT) -> AsyncIterator[None]:
        """Keep a gate closed for the length of the block."""
        await self.set_gate(trigger, table)
        await self.connection.execute(f"SELECT pg_advisory_lock({GATE})")
        try:
            yield
        finally:
            await self.connection.execute(f"SELECT pg_advisory_unlock({GATE})")

    @asynccontextmanager
    async def holding(self, *statements: str) -> AsyncIterator[None]:
        """Run statements and keep what they lock until the end of the block, then commit."""
        async with self.connection.transaction():
            for statement in statements:
                await self.connection.execute(statement)
            yield

    async def see_waiting(self, backends: int) -> list[int]:
        """Return the pids of the others that wait for a lock, when there are as many."""
        return await self.see(backends, "wait_event_type = 'Lock'")

    async def wait_until_idle(self) -> None:
        """Return when no other statement runs and no other transaction is open."""
        await self.see(0, "backend_type = 'client backend' AND state IS DISTINCT FROM 'idle'")

    async def see(self, backends: int, doing: str) -> list[int]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                # Within a transaction, as in `holding`, the activity is else seen as it was once.
                await self.connection.execute("SELECT pg_stat_clear_snapshot()")
                found = await self.connection.fetch(f"SELECT pid {OTHERS} AND {doing}")
                if len(found) == backends:
                    return [each["pid"] for each in found]


@asynccontextmanager
async def observing(url: str) -> AsyncIterator[Observer]:
    connection = await asyncpg.connect(url)
    try:
        yield Observer(connection)
    finally:
        await connection.close()
