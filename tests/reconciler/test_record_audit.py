"""A database without tampering has no flaws, whatever else happened to it."""

from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from reconciler.record_audit import audit_record, audit_tickets
from tests.support.concurrent_changes import open_ticket, pick_up
from tests.support.seals import seal_everything


async def record_flaws(database: Database) -> list[str]:
    async with database.snapshot() as session:
        tickets = [flaw async for _, flaws in audit_tickets(session) for flaw in flaws]
        return tickets + [str(flaw) async for flaw in audit_record(session)]


async def test_x(store: TicketStore, database: Database) -> None:
    await pick_up(store, await open_ticket(store))
    await seal_everything(database)
    assert await record_flaws(database) == []
