"""Pages of lists: their sizes, their cursors, and the fields of a connection.

GraphQL and REST read the same pages with the same cursors.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypedDict

from api.limits import DEFAULT_PAGE_ITEMS
from engine.errors import InvalidInput, LimitExceeded
from engine.storage.tickets.history_pages import SEQ_MAX
from engine.storage.webhooks.dead_letters import DeadLetter, DeadLetterCursor
from engine.tickets.search import NOT_DUE, Cursor, Order, OrderField, PageRequest
from engine.tickets.ticket import TICKET_ID_PATTERN
from engine.vocabulary import Priority

_INVALID_CURSOR: Final = "The cursor is invalid. Pass one of a page of the same list, unchanged."


class PageArguments(TypedDict, total=False):
    """The arguments of a list with pages from either end."""

    first: int | None
    after: str | None
    last: int | None
    before: str | None


def page_size(arguments: PageArguments, limit: str, bound: int) -> int:
    """Return the number of items that a client requests from either end.

    Raises:
        InvalidInput: the number is not positive, or both `first` and `last` are given.
        LimitExceeded: the number exceeds the bound of the limit.

    """
    first, last = arguments.get("first"), arguments.get("last")
    if first is not None and last is not None:
        raise InvalidInput("A page can't have both `first` and `last`.", field="last")
    if last is not None:
        return check_page_size("last", last, limit, bound)
    if first is not None:
        return check_page_size("first", first, limit, bound)
    return min(DEFAULT_PAGE_ITEMS, bound)


def check_page_size(argument: str, size: int, limit: str, bound: int) -> int:
    """Return the value of an argument that is the size of a page.

    Raises:
        InvalidInput: the size is not positive.
        LimitExceeded: the size exceeds the bound of the limit.

    """
    message = f"{argument} must be 1 to {bound}, not {size}."
    if size > bound:
        raise LimitExceeded(message, limit=limit, bound=bound, found=size, field=argument)
    if size < 1:
        raise InvalidInput(message, field=argument)
    return size


def connection(
    arguments: Mapping[str, object], edges: Sequence[Mapping[str, object]], *, has_more: bool
) -> dict[str, object]:
    """Return the fields of a connection.

    Args:
        arguments: the arguments of the list.
        edges: the edges of the page.
        has_more: whether there are more items in the direction of paging.

    """
    cursors = [edge["cursor"] for edge in edges]
    return {
        "edges": edges,
        "nodes": [edge["node"] for edge in edges],
        "pageInfo": page_info(arguments, cursors, has_more=has_more),
    }


def page_info(
    arguments: Mapping[str, object], cursors: Sequence[object], *, has_more: bool
) -> dict[str, object]:
    """Return the ends of a page, and whether there are more items.

    In the direction opposite to paging there are more items if a cursor limits the page there.

    Args:
        arguments: the arguments of the list.
        cursors: the cursors of the items on the page.
        has_more: whether there are more items in the direction of paging.

    """
    from_end = arguments.get("last") is not None
    has_after = arguments.get("after") is not None
    has_before = arguments.get("before") is not None
    return {
        "hasNextPage": has_before if from_end else has_more,
        "hasPreviousPage": has_more if from_end else has_after,
        "startCursor": cursors[0] if cursors else None,
        "endCursor": cursors[-1] if cursors else None,
    }


def ticket_page(arguments: PageArguments, order: Order, bound: int) -> PageRequest:
    """Return which page of a list of tickets a client requests.

    Raises:
        InvalidInput: an argument is invalid.
        LimitExceeded: the page is too large.

    """
    after, before = arguments.get("after"), arguments.get("before")
    return PageRequest(
        size=page_size(arguments, "page_tickets", bound),
        order=order,
        after=None if after is None else parse_ticket_cursor(after, order),
        before=None if before is None else parse_ticket_cursor(before, order),
        from_end=arguments.get("last") is not None,
    )


def encode_cursor(*values: int | datetime | str) -> str:
    """Return the cursor of the values that an item is ordered by."""
    texts = (each.isoformat() if isinstance(each, datetime) else str(each) for each in values)
    return urlsafe_b64encode(" ".join(texts).encode()).decode()


def decode_cursor(cursor: str, *parsers: Callable[[str], Any]) -> tuple[Any, ...]:
    """Return the values of a cursor.

    Raises:
        InvalidInput: the API did not return this cursor for the list.

    """
    try:
        return _parse_values(_decode(cursor), parsers)
    except (ValueError, OverflowError):
        raise InvalidInput(_INVALID_CURSOR) from None


def _decode(cursor: str) -> list[str]:
    return urlsafe_b64decode(cursor.encode()).decode().split(" ")


def _parse_values(texts: Sequence[str], parsers: Sequence[Callable[[str], Any]]) -> tuple[Any, ...]:
    return tuple(parse(text) for parse, text in zip(parsers, texts, strict=True))


def parse_seq(text: str) -> int:
    """Return the number of a history entry; ValueError if the text is not such a number."""
    if not 1 <= (seq := int(text)) <= SEQ_MAX:
        raise ValueError("out of range")
    return seq


def _parse_timestamp(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("no offset")
    return at.astimezone(UTC)


def _parse_ticket_id(text: str) -> str:
    if not TICKET_ID_PATTERN.fullmatch(text):
        raise ValueError("not an id")
    return text


def _parse_urgency(text: str) -> int:
    return [str(each.urgency) for each in reversed(Priority)].index(text) + 1


_TICKET_PARSERS: Final[dict[OrderField, tuple[Callable[[str], int | datetime | str], ...]]] = {
    OrderField.CREATED_AT: (_parse_timestamp, _parse_ticket_id),
    OrderField.UPDATED_AT: (_parse_timestamp, _parse_ticket_id),
    OrderField.PRIORITY: (_parse_urgency, _parse_timestamp, _parse_ticket_id),
    OrderField.DUE_AT: (_parse_timestamp, _parse_ticket_id),
}
"""The parsers of the values that tickets are ordered by."""
_NOT_DUE_PARSERS: Final = (str, _parse_timestamp, _parse_ticket_id)
"""Those for a ticket without a due time, in a list by due time."""


def ticket_cursor(cursor: Cursor, order: Order) -> str:
    """Return the cursor of a ticket in a list with this order."""
    return encode_cursor(order.field, order.direction, *cursor)


def parse_ticket_cursor(cursor: str, order: Order) -> Cursor:
    """Return the values of a ticket's cursor in a list with this order.

    Raises:
        InvalidInput: the API did not return this cursor, or for a list with another order.

    """
    try:
        field, direction, *texts = _decode(cursor)
        actual = Order(OrderField(field), type(order.direction)(direction))
        is_not_due = actual.field is OrderField.DUE_AT and texts[:1] == [NOT_DUE]
        parsers = _NOT_DUE_PARSERS if is_not_due else _TICKET_PARSERS[actual.field]
        values = _parse_values(texts, parsers)
    except (ValueError, OverflowError):
        raise InvalidInput(_INVALID_CURSOR) from None
    if actual != order:
        raise InvalidInput(
            f"This cursor is from a list ordered by {field} {direction}, not by"
            f" {order.field} {order.direction}. Use a cursor only with the order of its list."
        )
    return values


def dead_letter_cursor(dead_letter: DeadLetter) -> str:
    """Return the cursor of a dead letter."""
    return encode_cursor(dead_letter.failed_at, dead_letter.ticket, dead_letter.seq)


def parse_dead_letter_cursor(cursor: str) -> DeadLetterCursor:
    """Return the values of a dead letter's cursor.

    Raises:
        InvalidInput: the API did not return this cursor.

    """
    return DeadLetterCursor(*decode_cursor(cursor, _parse_timestamp, _parse_ticket_id, parse_seq))
