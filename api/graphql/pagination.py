"""What the pages of all lists have in common: how much is asked for, and what lies around it."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from api.graphql.errors import LimitExceeded
from api.limits import PAGE_ITEMS
from engine.errors import InvalidInput


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
    return min(PAGE_ITEMS, most) if first is None else checked_size("first", first, limit, most)


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
