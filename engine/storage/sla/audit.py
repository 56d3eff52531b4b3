"""Compares the stored due times of all tickets with those computed from their histories."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from engine.audit.history import MALFORMED
from engine.storage.history.scan import scan_tickets
from engine.storage.postgres.database import Database, Row
from engine.storage.postgres.rows import ticket_of
from engine.storage.tickets.sla_columns import sla_columns
from engine.tickets.auto_close import auto_close_from
from engine.tickets.history import Entry
from engine.tickets.sla_timers import SLA_COLUMNS

_COLUMNS: Final = (*SLA_COLUMNS, "auto_close_from")


@dataclass(frozen=True, slots=True)
class DueTimeAudit:
    """The result for one ticket.

    Attributes:
        is_stale: whether its due times are not updated yet after a transition.
        differences: the stored values that differ from the computed ones, for display; none if the
            ticket is stale.

    """

    ticket: str
    is_stale: bool
    differences: tuple[str, ...]


async def audit_due_times(database: Database) -> AsyncIterator[DueTimeAudit]:
    """Yield the result for every ticket, in the order of the ids, from one snapshot.

    The histories themselves are audited by `engine.storage.history.audit`.
    """
    async with database.snapshot() as session:
        async for found in scan_tickets(session):
            if found.row is None or not found.history:
                continue
            try:
                audit = audit_ticket(found.row, [stored.entry for stored in found.history])
            except MALFORMED:
                difference = (
                    f"{found.id}: its history cannot be read; see `interlock history verify`"
                )
                audit = DueTimeAudit(found.id, is_stale=False, differences=(difference,))
            yield audit


def audit_ticket(row: Row, history: Sequence[Entry]) -> DueTimeAudit:
    """Return the result for a ticket with its whole history."""
    if row["sla_version"] is not None and row["sla_version"] < row["version"]:
        return DueTimeAudit(row["id"], is_stale=True, differences=())
    computed = sla_columns(history) | {"auto_close_from": auto_close_from(ticket_of(row), history)}
    differences = tuple(
        f"{row['id']} {column}: stored {row[column]}, computed from its history {computed[column]}"
        for column in _COLUMNS
        if row[column] != computed[column]
    )
    return DueTimeAudit(row["id"], is_stale=False, differences=differences)
