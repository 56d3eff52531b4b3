"""How a stored ticket differs from its history. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from engine.tickets.sla_timers import SLA_COLUMNS
from engine.tickets.ticket import Ticket
from engine.vocabulary import Status

TICKET_COLUMNS: Final = (
    *(name for name in Ticket._fields if name not in {"id", "version"}),
    *SLA_COLUMNS,
    "auto_close_from",
)
"""The columns of a ticket that follow from its history, except the version and the head digest."""
SEARCH_WORDS: Final = "search_words"
"""The words by which a search finds a ticket: not a column of the ticket itself."""
DRIFT_COLUMNS: Final = (*TICKET_COLUMNS, SEARCH_WORDS)


@dataclass(frozen=True, slots=True)
class TicketTimes:
    """What decides when `system` changes a ticket.

    Attributes:
        auto_close_from: the start of the grace period; None if the ticket is not RESOLVED.
        next_due_at: when the next SLA target is missed; maybe never.

    """

    workflow: str
    status: Status
    auto_close_from: datetime | None
    next_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class TicketDrift:
    """A ticket with stored values that differ from those that follow from its history.

    Attributes:
        columns: what differs: columns of `tickets`, and `SEARCH_WORDS`.
        stored, derived: what decides when `system` changes the ticket: before and after a repair.

    """

    ticket: str
    columns: tuple[str, ...]
    stored: TicketTimes
    derived: TicketTimes


@dataclass(frozen=True, slots=True)
class ComparedTickets:
    """The result of a comparison of all tickets with their histories.

    Attributes:
        compared: the number of tickets that were compared.
        invalid: the number of other tickets, whose history is invalid.
        drifted: the tickets to repair, ordered by id.
        is_complete: whether these are all tickets to repair.

    """

    compared: int
    invalid: int
    drifted: tuple[TicketDrift, ...]
    is_complete: bool


def times_of(values: Mapping[str, object]) -> TicketTimes:
    """Return the times in values that have the names of columns."""
    auto_close_from, next_due_at = values["auto_close_from"], values["next_due_at"]
    return TicketTimes(
        str(values["workflow"]),
        Status(str(values["status"])),
        auto_close_from if isinstance(auto_close_from, datetime) else None,
        next_due_at if isinstance(next_due_at, datetime) else None,
    )
