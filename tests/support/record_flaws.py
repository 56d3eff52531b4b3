"""Verify everything that is recorded in a database."""

from engine.storage.postgres.database import Database
from reconciler.record_audit import NO_ANCHORS, AuditedAnchors, audit_record, audit_tickets


async def record_flaws(database: Database, anchors: AuditedAnchors = NO_ANCHORS) -> list[str]:
    """Return the flaws that `interlock history verify` finds."""
    async with database.snapshot() as session:
        tickets = [flaw async for _, flaws in audit_tickets(session) for flaw in flaws]
        return tickets + [str(flaw) async for flaw in audit_record(session, anchors)]
