"""Walk every ticket, in constant memory, and find what is stored beside it otherwise than told.

What is stored follows from the history, so it can be worked out again at any time.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final

from engine.storage.history.scan import scan_tickets
from engine.storage.postgres.database import Database, Row
from engine.storage.postgres.rows import ticket_of
from engine.storage.tickets.sla_columns import SLA_COLUMNS, sla_columns
from engine.tickets.auto_close import auto_close_from
from engine.tickets.history import Entry

BESIDE: Final = (*SLA_COLUMNS, "auto_close_from")


@dataclass(frozen=True, slots=True)
class DueTimeDifference:
    """One thing that is stored beside a ticket and does not follow from its history."""

    ticket: str
    column: str
    stored: object
    told: object

    def __str__(self) -> str:
        return f"{self.ticket} {self.column}: stored {self.stored}, its history tells {self.told}"


@dataclass(frozen=True, slots=True)
class DueTimeAudit:
    """What was found out about one ticket.

    Attributes:
        is_stale: it was moved, and its due times are about to be worked out again.
        differences: what is wrong, other than that.

    """

    ticket: str
    is_stale: bool
    differences: tuple[DueTimeDifference, ...]


async def audit_due_times(database: Database) -> AsyncIterator[DueTimeAudit]:
    """Yield what there is to say of every ticket, in the order of the ids.

    It is done in one snapshot. What is wrong with the histories themselves is told by
    `engine.storage.history.audit`.
    """
    async with database.snapshot() as session:
        async for told in scan_tickets(session):
            if told.row is not None and told.history:
                yield verdict_on(told.row, [sealed.entry for sealed in told.history])


def verdict_on(row: Row, history: list[Entry]) -> DueTimeAudit:
    """Return what there is to say of a ticket with its history."""
    is_stale = row["sla_version"] is not None and row["sla_version"] < row["version"]
    differences = () if is_stale else tuple(differences_of(row, history))
    return DueTimeAudit(row["id"], is_stale, differences)


def differences_of(row: Row, history: list[Entry]) -> Iterator[DueTimeDifference]:
    """Yield what is stored beside a ticket and does not follow from its history."""
    told = sla_columns(history) | {"auto_close_from": auto_close_from(ticket_of(row), history)}
    for column in BESIDE:
        if row[column] != told[column]:
            yield DueTimeDifference(row["id"], column, row[column], told[column])
