"""Pages of lists: the size that a client asks for, cursors, and the fields of a connection."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypedDict

from api.graphql.errors import LimitExceeded
from api.limits import DEFAULT_PAGE_ITEMS
from engine.errors import InvalidInput
from engine.storage.tickets.history_pages import SEQ_MAX
from engine.storage.webhooks.dead_letters import DeadLetter, DeadLetterCursor
from engine.tickets.search import Cursor, Order, OrderField
from engine.tickets.ticket import TICKET_ID_PATTERN, Ticket
from engine.vocabulary import Priority


class PageArguments(TypedDict, total=False):
    """The arguments of a list that is read from either end."""

    first: int | None
    after: str | None
    last: int | None
    before: str | None


class PageInfo(TypedDict):
    """The fields of `PageInfo`."""

    hasNextPage: bool
    hasPreviousPage: bool
    startCursor: str | None
    endCursor: str | None


class Connection(TypedDict):
    """The fields of a connection."""

    edges: Sequence[Mapping[str, object]]
    nodes: list[object]
    pageInfo: PageInfo


def size_of(arguments: PageArguments, limit: str, most: int) -> int:
    """Return how much a client asks for, from whichever end.

    Raises:
        InvalidInput: none, or both `first` and `last`.
        LimitExceeded: more than `most`, the bound of that limit.

    """
    first, last = arguments.get("first"), arguments.get("last")
    if first is not None and last is not None:
        raise InvalidInput(
            "A page has the first or the last of a list: leave one out.", field="last"
        )
    if last is not None:
        return checked_size("last", last, limit, most)
    return (
        min(DEFAULT_PAGE_ITEMS, most)
        if first is None
        else checked_size("first", first, limit, most)
    )


def checked_size(argument: str, size: int, limit: str, most: int) -> int:
    """Return the size of a page that an argument asks for.

    Raises:
        InvalidInput: it is none.
        LimitExceeded: it is more than `most`, the bound of that limit.

    """
    message = f"{argument} must be 1 to {most}, not {size}."
    if size > most:
        raise LimitExceeded(message, limit=limit, bound=most, found=size, field=argument)
    if size < 1:
        raise InvalidInput(message, field=argument)
    return size


def connection(
    arguments: Mapping[str, object], edges: Sequence[Mapping[str, object]], *, has_more: bool
) -> Connection:
    """Return a page: its edges, the same as nodes, and what lies around it (see `page_info`)."""
    return {
        "edges": edges,
        "nodes": [edge["node"] for edge in edges],
        "pageInfo": page_info(arguments, edges, has_more=has_more),
    }


def page_info(
    arguments: Mapping[str, object], edges: Sequence[Mapping[str, object]], *, has_more: bool
) -> PageInfo:
    """Return what lies around a page: `has_more` beyond its far end.

    What lies behind a given cursor is there, or was.
    """
    from_end = arguments.get("last") is not None
    begins_late = arguments.get("after") is not None
    ends_early = arguments.get("before") is not None
    cursors = [str(edge["cursor"]) for edge in edges]
    return {
        "hasNextPage": ends_early if from_end else has_more,
        "hasPreviousPage": has_more if from_end else begins_late,
        "startCursor": cursors[0] if cursors else None,
        "endCursor": cursors[-1] if cursors else None,
    }


def cursor_of(ticket: Ticket, order: Order) -> str:
    """Return the cursor of a ticket in a list of that order."""
    return opaque(order.field, order.direction, *order.cursor_of(ticket))


def opaque(*place: int | datetime | str) -> str:
    """Return the cursor of a place; `parts_of` is the inverse."""
    return urlsafe_b64encode(" ".join(map(written, place)).encode()).decode()


def parts_of(cursor: str) -> list[str]:
    """Return the parts of the place that a cursor stands for; ValueError if it is no cursor."""
    return urlsafe_b64decode(cursor.encode()).decode().split(" ")


def written(value: int | datetime | str) -> str:
    """Return a part of a place as text without spaces."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def place_at(cursor: str, order: Order) -> Cursor:
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
    if not TICKET_ID_PATTERN.fullmatch(text):
        raise ValueError("no id")
    return text


def entry_number(text: str) -> int:
    """Return the number of an entry of a history; ValueError if it can't be one."""
    if not 1 <= (seq := int(text)) <= SEQ_MAX:
        raise ValueError("no entry")
    return seq


def urgency(text: str) -> int:
    """Return the urgency of a priority; ValueError if none has it."""
    return [str(each.urgency) for each in reversed(Priority)].index(text) + 1


def dead_letter_cursor(dead_letter: DeadLetter) -> str:
    """Return the cursor of a dead letter."""
    return opaque(dead_letter.failed_at, dead_letter.ticket, dead_letter.seq)


def parse_dead_letter_cursor(cursor: str) -> DeadLetterCursor:
    """Return the place in the list of dead letters that a cursor encodes.

    Raises:
        InvalidInput: the API did not return this cursor.

    """
    try:
        at, ticket, seq = parts_of(cursor)
        return DeadLetterCursor(moment(at), ticket_id(ticket), entry_number(seq))
    except (ValueError, OverflowError):
        raise InvalidInput("Invalid cursor.") from None


FORMS: Final[dict[OrderField, tuple[Callable[[str], int | datetime | str], ...]]] = {
    OrderField.CREATED_AT: (moment, ticket_id),
    OrderField.UPDATED_AT: (moment, ticket_id),
    OrderField.PRIORITY: (urgency, moment, ticket_id),
}
"""How the values of a place are read."""
