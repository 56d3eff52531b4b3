"""Finding tickets: a page of the list that a filter and an order make, and how long that list is.

A page begins at a place, not at a number: so it stays right while tickets come and change. Its
statement holds the conditions in use and no other, and compares places as rows, which is what
lets an index serve it (design section 10).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, select, tuple_

from engine.storage.postgres.database import Database, Row
from engine.storage.postgres.rows import TICKET_COLUMNS, ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import URGENCY, ticket_search, tickets
from engine.storage.tickets.filters import CONDITIONS, Conditions
from engine.storage.tickets.visibility import INVOLVED, viewer_parameters
from engine.tickets.search import Cursor, Direction, Order, OrderField, PageRequest
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import Viewer

SHAPES: Final = 500
"""Statements that are kept compiled: compiling takes longer than many a page."""

KEYS: Final[dict[OrderField, tuple[ColumnElement[Any], ...]]] = {
    OrderField.CREATED_AT: (tickets.c.created_at, tickets.c.id),
    OrderField.UPDATED_AT: (tickets.c.updated_at, tickets.c.id),
    OrderField.PRIORITY: (URGENCY, tickets.c.created_at, tickets.c.id),
}
"""What makes a ticket's place, in SQL; `PLACES` says the same in Python."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list of tickets, in the order of the list; `has_more` beyond its far end."""

    tickets: tuple[Ticket, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class PageShape:
    """All that two pages have in common if one statement serves both."""

    conditions: frozenset[str]
    order: Order
    bounds: frozenset[str]
    from_end: bool
    sees_all: bool = True


async def find_tickets(
    database: Database, viewer: Viewer, conditions: Conditions, part: PageRequest
) -> Page:
    """Return a part of the list of the tickets that the viewer may read and meet all conditions."""
    places = {"after": part.after, "before": part.before}
    bounds = {name: place for name, place in places.items() if place is not None}
    shape = PageShape(
        frozenset(conditions), part.order, frozenset(bounds), part.from_end, viewer.sees_all
    )
    values = conditions | bound_values(bounds) | {"rows": part.size + 1}
    rows = await looked_up(database, viewer, page_statement(shape), conditions, values)
    found = list(map(ticket_of, rows[: part.size]))
    return Page(tuple(reversed(found) if part.from_end else found), len(rows) > part.size)


async def count_matching_tickets(database: Database, viewer: Viewer, conditions: Conditions) -> int:
    """Return how many tickets the viewer may read and meet all conditions."""
    statement = count_statement(frozenset(conditions), sees_all=viewer.sees_all)
    [row] = await looked_up(database, viewer, statement, conditions, conditions)
    return int(row["tickets"])


async def looked_up(
    database: Database,
    viewer: Viewer,
    statement: Statement,
    conditions: Conditions,
    values: dict[str, object],
) -> list[Row]:
    """Run a statement; where there are conditions, the best way depends on their values."""
    if viewer.sees_all and not conditions:
        return await database.rows(statement, **values)
    return await database.rows_with_custom_plan(statement, **values, **viewer_parameters(viewer))


def bound_values(bounds: dict[str, Cursor]) -> dict[str, object]:
    """Return places as parameters."""
    return {
        f"{bound}_{number}": value
        for bound, place in bounds.items()
        for number, value in enumerate(place)
    }


@lru_cache(SHAPES)
def page_statement(shape: PageShape) -> Statement:
    """Return the statement for a page, which asks for one ticket more to know if there is more."""
    keys = KEYS[shape.order.field]
    descends = (shape.order.direction is Direction.DESC) != shape.from_end
    found = meeting(select(*TICKET_COLUMNS), shape.conditions, sees_all=shape.sees_all)
    for bound in sorted(shape.bounds):
        goes_down = (shape.order.direction is Direction.DESC) == (bound == "after")
        found = found.where(keyset_after(keys, bound, goes_down=goes_down))
    ordered = found.order_by(*(key.desc() if descends else key.asc() for key in keys))
    return Statement.of(ordered.limit(bindparam("rows", type_=Integer)))


@lru_cache(SHAPES)
def count_statement(conditions: frozenset[str], *, sees_all: bool) -> Statement:
    """Return the statement that counts."""
    return Statement.of(
        meeting(select(func.count().label("tickets")), conditions, sees_all=sees_all)
    )


def meeting(
    found: Select[tuple[object, ...]], conditions: Iterable[str], *, sees_all: bool
) -> Select[tuple[object, ...]]:
    """Return a query of the tickets that meet conditions, and that the viewer may read."""
    names = sorted(conditions)
    source = tickets.join(ticket_search) if "text" in names else tickets
    clauses = [CONDITIONS[name].clause for name in names]
    return found.select_from(source).where(*clauses, *([] if sees_all else [INVOLVED]))


def keyset_after(
    keys: tuple[ColumnElement[Any], ...], bound: str, *, goes_down: bool
) -> ColumnElement[bool]:
    """Return whether a ticket's place is below, or above, a given one."""
    place = tuple_(*keys)
    given = tuple_(
        *(bindparam(f"{bound}_{number}", type_=key.type) for number, key in enumerate(keys))
    )
    return place < given if goes_down else place > given
