"""The list of tickets as CSV (RFC 4180). Pure."""

import csv
from collections.abc import Iterable
from io import StringIO
from typing import Final
from unicodedata import normalize

from api.timestamps import format_timestamp
from api.web.views.tickets.view import TicketRow

COLUMNS: Final = (
    *("id", "title", "status", "priority", "workflow", "requester", "requester name"),
    *("assignee", "assignee name", "assignee group", "item", "service"),
    *("created at", "updated at", "SLA"),
)
BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it, Excel does not read a file as UTF-8."""
_FORMULA_STARTS: Final = frozenset("=+-@\t\r\n")
"""A spreadsheet evaluates a cell that begins with one of these, or with its full-width form, as a
formula (OWASP)."""


def header() -> str:
    """Return the first line."""
    return BYTE_ORDER_MARK + _lines([COLUMNS])


def csv_lines(rows: Iterable[TicketRow]) -> str:
    """Return a line for each row."""
    return _lines(map(_cells, rows))


def _cells(row: TicketRow) -> tuple[str, ...]:
    ticket = row.ticket
    values = (
        *(ticket.id, ticket.title, ticket.status, ticket.priority, ticket.workflow),
        *(ticket.requester, row.requester, ticket.assignee, row.assignee, ticket.assignee_group),
        *(ticket.item, ticket.service),
        *(format_timestamp(ticket.created_at), format_timestamp(ticket.updated_at)),
        row.sla and row.sla.text,
    )
    return tuple(_as_text(each or "") for each in values)


def _as_text(value: str) -> str:
    """Return a value that no spreadsheet evaluates: an apostrophe marks a cell as text."""
    is_formula = normalize("NFKC", value[:1]) in _FORMULA_STARTS
    return f"'{value}" if is_formula else value


def _lines(rows: Iterable[tuple[str, ...]]) -> str:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
