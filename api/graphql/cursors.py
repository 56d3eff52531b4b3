"""Cursors: a place in a list as opaque text; above all in one order of the list of tickets."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from engine.errors import InvalidInput
from engine.storage.tickets.history_pages import LAST_SEQ
from engine.tickets.search import Order, OrderField, Place
from engine.tickets.ticket import TICKET_ID, Ticket
from engine.vocabulary import Priority


def cursor_of(ticket: Ticket, order: Order) -> str:
    """Return the cursor of a ticket in a list of that order."""
    return opaque(order.field, order.direction, *order.place_of(ticket))


def opaque(*place: int | datetime | str) -> str:
    """Return the cursor of a place; `parts_of` is the inverse."""
    return urlsafe_b64encode(" ".join(map(written, place)).encode()).decode()


def parts_of(cursor: str) -> list[str]:
    """Return the parts of the place that a cursor stands for; ValueError if it is no cursor."""
    return urlsafe_b64decode(cursor.encode()).decode().split(" ")


def written(value: int | datetime | str) -> str:
    """Return a part of a place as text without spaces."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def place_at(cursor: str, order: Order) -> Place:
    """Return the place that a cursor of that order stands for.

    Raises:
        InvalidInput: it is not one that the API made, or it was made for another order.

    """
    try:
        field, direction, *values = parts_of(cursor)
        made_for = Order(OrderField(field), type(order.direction)(direction))
        forms = FORMS[made_for.field]
        place = tuple(read(value) for read, value in zip(forms, values, strict=True))
    except (ValueError, OverflowError):
        raise InvalidInput("This is not a cursor that a page of tickets gave.") from None
    if made_for != order:
        raise InvalidInput(
            f"This cursor is of a list ordered by {field} {direction}, not by"
            f" {order.field} {order.direction}: cursors are good for the order that they came with."
        )
    return place


def moment(text: str) -> datetime:
    """Return a moment; ValueError or OverflowError if it is none."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("no offset")
    return at.astimezone(UTC)


def ticket_id(text: str) -> str:
    """Return the id of a ticket; ValueError if it can't be one."""
    if not TICKET_ID.fullmatch(text):
        raise ValueError("no id")
    return text


def entry_number(text: str) -> int:
    """Return the number of an entry of a history; ValueError if it can't be one."""
    if not 1 <= (seq := int(text)) <= LAST_SEQ:
        raise ValueError("no entry")
    return seq


def urgency(text: str) -> int:
    """Return the urgency of a priority; ValueError if none has it."""
    return [str(each.urgency) for each in reversed(Priority)].index(text) + 1


FORMS: Final[dict[OrderField, tuple[Callable[[str], int | datetime | str], ...]]] = {
    OrderField.CREATED_AT: (moment, ticket_id),
    OrderField.UPDATED_AT: (moment, ticket_id),
    OrderField.PRIORITY: (urgency, moment, ticket_id),
}
"""How the values of a place are read."""
