"""The list of tickets as CSV (RFC 4180). Pure."""

from collections.abc import Iterable
from typing import Final

from api.timestamps import format_timestamp
from api.web.csv_text import BYTE_ORDER_MARK, csv_text
from api.web.views.tickets.view import TicketRow

COLUMNS: Final = (
    *("id", "title", "status", "priority", "workflow", "requester", "requester name"),
    *("assignee", "assignee name", "assignee group", "item", "service"),
    *("created at", "updated at", "SLA"),
)


def header() -> str:
    """Return the first line."""
    return BYTE_ORDER_MARK + csv_text([COLUMNS])


def csv_lines(rows: Iterable[TicketRow]) -> str:
    """Return a line for each row."""
    return csv_text(map(_cells, rows))


def _cells(row: TicketRow) -> tuple[str, ...]:
    ticket = row.ticket
    values = (
        *(ticket.id, ticket.title, ticket.status, ticket.priority, ticket.workflow),
        *(ticket.requester, row.requester, ticket.assignee, row.assignee, ticket.assignee_group),
        *(ticket.item, ticket.service),
        *(format_timestamp(ticket.created_at), format_timestamp(ticket.updated_at)),
        row.sla and row.sla.text,
    )
    return tuple(each or "" for each in values)
