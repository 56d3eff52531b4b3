"""Find tickets: a page of an ordered, filtered list, or the number of matching tickets.

Pages use keyset pagination, so they stay correct while tickets change. Each statement contains only
the conditions in use and compares cursors as rows, so that an index serves it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, select, tuple_

from engine.storage.postgres.database import Database, Row
from engine.storage.postgres.rows import TICKET_COLUMNS, ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import URGENCY, tickets
from engine.storage.tickets.filters import CONDITIONS, Conditions
from engine.storage.tickets.text_conditions import is_text_condition, text_clauses
from engine.storage.tickets.visibility import INVOLVED, actor_parameters
from engine.tickets.search import Cursor, Direction, Order, OrderField, PageRequest
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import Viewer

_CACHED_STATEMENTS: Final = 500
"""To compile a statement takes longer than to read most pages."""

_CURSOR_COLUMNS: Final[dict[OrderField, tuple[ColumnElement[Any], ...]]] = {
    OrderField.CREATED_AT: (tickets.c.created_at, tickets.c.id),
    OrderField.UPDATED_AT: (tickets.c.updated_at, tickets.c.id),
    OrderField.PRIORITY: (URGENCY, tickets.c.created_at, tickets.c.id),
}
"""The cursor of a ticket in SQL; `Order.cursor_of` is the same in Python."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of tickets in list order; `has_more` tickets follow in the direction of reading."""

    tickets: tuple[Ticket, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class PageShape:
    """What pages that share a statement have in common.

    Attributes:
        sees_all: whether the viewer can read every ticket.
        reads_notes: whether the viewer can read every internal note.

    """

    conditions: frozenset[str]
    order: Order
    bounds: frozenset[str]
    from_end: bool
    sees_all: bool = True
    reads_notes: bool = True


async def find_tickets(
    database: Database, viewer: Viewer, conditions: Conditions, request: PageRequest
) -> Page:
    """Return a page of the tickets that the viewer can read and that meet all conditions."""
    cursors = {"after": request.after, "before": request.before}
    bounds = {name: cursor for name, cursor in cursors.items() if cursor is not None}
    shape = PageShape(
        frozenset(conditions),
        request.order,
        frozenset(bounds),
        request.from_end,
        viewer.sees_all,
        viewer.actor.is_admin,
    )
    values = conditions | bound_values(bounds) | {"rows": request.size + 1}
    rows = await _run(database, viewer, page_statement(shape), conditions, values)
    found = list(map(ticket_of, rows[: request.size]))
    return Page(tuple(reversed(found) if request.from_end else found), len(rows) > request.size)


async def count_matching_tickets(database: Database, viewer: Viewer, conditions: Conditions) -> int:
    """Return the number of tickets that the viewer can read and that meet all conditions."""
    statement = _count_statement(
        frozenset(conditions), sees_all=viewer.sees_all, reads_notes=viewer.actor.is_admin
    )
    [row] = await _run(database, viewer, statement, conditions, conditions)
    return int(row["tickets"])


async def matches_now(
    database: Database, viewer: Viewer, conditions: Conditions, ticket: str
) -> bool:
    """Return whether a ticket meets all conditions, and the viewer can read it."""
    return await count_matching_tickets(database, viewer, conditions | {"id": ticket}) > 0


async def _run(
    database: Database,
    viewer: Viewer,
    statement: Statement,
    conditions: Conditions,
    values: dict[str, object],
) -> list[Row]:
    """Run a statement. The best plan of one with conditions depends on their values."""
    if viewer.sees_all and not conditions:
        return await database.rows(statement, **values)
    involved = actor_parameters(viewer.actor)
    return await database.rows_with_custom_plan(statement, **values, **involved)


def bound_values(bounds: dict[str, Cursor]) -> dict[str, object]:
    """Return cursors as parameters."""
    return {
        f"{bound}_{number}": value
        for bound, cursor in bounds.items()
        for number, value in enumerate(cursor)
    }


@lru_cache(_CACHED_STATEMENTS)
def page_statement(shape: PageShape) -> Statement:
    """Return the statement of a page; it reads one ticket more than the page has."""
    columns = _CURSOR_COLUMNS[shape.order.field]
    is_descending = shape.order.direction is Direction.DESC
    found = _matching(
        select(*TICKET_COLUMNS),
        shape.conditions,
        sees_all=shape.sees_all,
        reads_notes=shape.reads_notes,
    )
    for bound in sorted(shape.bounds):
        below = is_descending == (bound == "after")
        found = found.where(_keyset_condition(columns, bound, below=below))
    reads_down = is_descending != shape.from_end
    ordered = found.order_by(*(each.desc() if reads_down else each.asc() for each in columns))
    return Statement.of(ordered.limit(bindparam("rows", type_=Integer)))


@lru_cache(_CACHED_STATEMENTS)
def _count_statement(conditions: frozenset[str], *, sees_all: bool, reads_notes: bool) -> Statement:
    count: Select[tuple[object, ...]] = select(func.count().label("tickets"))
    return Statement.of(_matching(count, conditions, sees_all=sees_all, reads_notes=reads_notes))


def _matching(
    query: Select[tuple[object, ...]],
    conditions: frozenset[str],
    *,
    sees_all: bool,
    reads_notes: bool,
) -> Select[tuple[object, ...]]:
    """Restrict a query to tickets that meet the conditions and that the viewer can read."""
    clauses = [
        CONDITIONS[name].clause for name in sorted(conditions) if not is_text_condition(name)
    ]
    clauses += text_clauses(conditions, reads_notes=reads_notes)
    return query.select_from(tickets).where(*clauses, *([] if sees_all else [INVOLVED]))


def _keyset_condition(
    columns: tuple[ColumnElement[Any], ...], bound: str, *, below: bool
) -> ColumnElement[bool]:
    """Compare the cursor of a ticket with the parameters of a bound."""
    cursor = tuple_(*columns)
    limit = tuple_(
        *(bindparam(f"{bound}_{number}", type_=each.type) for number, each in enumerate(columns))
    )
    return cursor < limit if below else cursor > limit
