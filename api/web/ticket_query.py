"""The filter of a list of tickets, as the query of a URL. Pure."""

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

from api.json_encoding import snake_case
from engine.tickets.search import TicketFilter

Query: TypeAlias = Sequence[tuple[str, str]]
"""The parameters of a URL, in order."""

_LISTS: Final = frozenset({"status", "priority", "workflow"})
_BOOLEANS: Final = {"true": True, "false": False}
_TIMES: Final = frozenset({"createdSince", "createdBefore", "updatedSince", "updatedBefore"})
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ID: Final = re.compile(r"(?:https?://\S+/tickets/|#)?(tk_[0-9a-f]+)(?:…|[/?#]\S*)?", re.IGNORECASE)


def parse_filter(conditions: Query) -> TicketFilter:
    """Return the filter of a URL. A date is the beginning of that day in UTC.

    Raises:
        InvalidInput: a condition is unknown or has an invalid value.

    """
    lists: dict[str, list[str]] = {}
    fields: dict[str, str | bool] = {}
    for parameter, value in conditions:
        name = snake_case(parameter)
        if name in _LISTS:
            lists.setdefault(name, []).append(value)
        elif parameter in _TIMES:
            fields[name] = f"{value}T00:00:00Z" if is_date(value) else value
        else:
            fields[name] = _BOOLEANS.get(value, value)
    return TicketFilter.parse(**fields, **lists)


def is_date(text: str) -> bool:
    """Return whether a text looks like a date without a time."""
    return _DATE.fullmatch(text) is not None


def ticket_reference(text: str) -> str | None:
    """Return the id, or the beginning of an id, that a text or a link consists of."""
    found = _ID.fullmatch(text.strip())
    return found and found[1].lower()


def canonical_query(query: Query) -> Query:
    """Return the parameters of a form without empty fields; a link as the id of its ticket."""
    return tuple(
        (name, ticket_reference(value) or value if name == "text" else value)
        for name, value in query
        if value
    )
