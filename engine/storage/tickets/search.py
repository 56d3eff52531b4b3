"""Find tickets: a page of an ordered, filtered list, or the number of matching tickets.

Pages use keyset pagination, so they stay correct while tickets change. Each statement contains only
the conditions in use and compares cursors as rows, so that an index serves it.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
)

from engine.storage.postgres.database import Database, Row
from engine.storage.postgres.rows import TICKET_COLUMNS, ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import URGENCY, tickets
from engine.storage.tickets.filters import CONDITIONS, IS_DUE, IS_NOT_DUE, Conditions
from engine.storage.tickets.text_conditions import is_text_condition, text_clauses
from engine.storage.tickets.visibility import INVOLVED, actor_parameters
from engine.tickets.search import (
    NEWEST_FIRST,
    NOT_DUE,
    Cursor,
    Direction,
    Order,
    OrderField,
    PageRequest,
)
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import Viewer

_CACHED_STATEMENTS: Final = 500
"""To compile a statement takes longer than to read most pages."""

_CURSOR_COLUMNS: Final[dict[OrderField, tuple[ColumnElement[Any], ...]]] = {
    OrderField.CREATED_AT: (tickets.c.created_at, tickets.c.id),
    OrderField.UPDATED_AT: (tickets.c.updated_at, tickets.c.id),
    OrderField.PRIORITY: (URGENCY, tickets.c.created_at, tickets.c.id),
    OrderField.DUE_AT: (tickets.c.next_due_at, tickets.c.id),
}
"""The cursor of a ticket in SQL; `Order.cursor_of` is the same in Python."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of tickets in list order.

    Attributes:
        has_more: whether more tickets follow in the direction of reading.
        cursors: of the tickets, in the order of the list.

    """

    tickets: tuple[Ticket, ...]
    has_more: bool
    cursors: tuple[Cursor, ...]


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
    if request.order.field is OrderField.DUE_AT:
        return await _find_by_due_time(database, viewer, conditions, request)
    return await _find(database, viewer, conditions, request)


async def _find_by_due_time(
    database: Database, viewer: Viewer, conditions: Conditions, request: PageRequest
) -> Page:
    """Return a page of a list that has two parts, each with an index of its own.

    Tickets with a due time come first, in their order; then the others, the newest first.
    """
    page, parts = None, _parts_by_due_time(request)
    for condition, part in reversed(parts) if request.from_end else parts:
        if page is not None and page.has_more:
            break
        missing = request.size - (len(page.tickets) if page else 0)
        found = await _find(
            database, viewer, conditions | {condition: True}, replace(part, size=missing)
        )
        if condition == IS_NOT_DUE:
            found = replace(found, cursors=tuple((NOT_DUE, *each) for each in found.cursors))
        page = found if page is None else _joined(page, found, from_end=request.from_end)
    return page or Page((), has_more=False, cursors=())


def _parts_by_due_time(request: PageRequest) -> list[tuple[str, PageRequest]]:
    """Return the parts of a list that the cursors do not exclude, in list order."""
    after, before = request.after, request.before
    is_due_after = after is None or after[0] != NOT_DUE
    is_due_before = before is not None and before[0] != NOT_DUE
    parts = []
    if is_due_after:
        part = replace(request, before=before if is_due_before else None)
        parts.append((IS_DUE, part))
    if not is_due_before:
        part = replace(
            request,
            order=NEWEST_FIRST,
            after=None if is_due_after or after is None else after[1:],
            before=None if before is None else before[1:],
        )
        parts.append((IS_NOT_DUE, part))
    return parts


def _joined(page: Page, more: Page, *, from_end: bool) -> Page:
    """Return two pages as one, of which the second one was read later."""
    first, second = (more, page) if from_end else (page, more)
    return Page(first.tickets + second.tickets, more.has_more, first.cursors + second.cursors)


async def _find(
    database: Database, viewer: Viewer, conditions: Conditions, request: PageRequest
) -> Page:
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
    found = rows[: request.size]
    if request.from_end:
        found.reverse()
    tickets = tuple(map(ticket_of, found))
    return Page(tickets, len(rows) > request.size, _cursors_of(tickets, found, request.order))


def _cursors_of(found: tuple[Ticket, ...], rows: list[Row], order: Order) -> tuple[Cursor, ...]:
    if order.field is not OrderField.DUE_AT:
        return tuple(map(order.cursor_of, found))
    return tuple(
        order.cursor_of(ticket, row["next_due_at"]) for ticket, row in zip(found, rows, strict=True)
    )


async def count_matching_tickets(database: Database, viewer: Viewer, conditions: Conditions) -> int:
    """Return the number of tickets that the viewer can read and that meet all conditions."""
    statement = _count_statement(
        frozenset(conditions), sees_all=viewer.sees_all, reads_notes=viewer.actor.is_admin
    )
    [row] = await _run(database, viewer, statement, conditions, conditions)
    return int(row["tickets"])


async def count_up_to(
    database: Database, viewer: Viewer, conditions: Conditions, bound: int
) -> int:
    """Return the number of tickets as `count_matching_tickets` does, but at most `bound`.

    The statement ends at the bound, so it takes the same time for a thousand tickets as for a
    million.
    """
    statement = _bounded_count_statement(
        frozenset(conditions), sees_all=viewer.sees_all, reads_notes=viewer.actor.is_admin
    )
    [row] = await _run(database, viewer, statement, conditions, conditions | {"bound": bound})
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
    due = (tickets.c.next_due_at,) if shape.order.field is OrderField.DUE_AT else ()
    found = _matching(
        select(*TICKET_COLUMNS, *due),
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


@lru_cache(_CACHED_STATEMENTS)
def _bounded_count_statement(
    conditions: frozenset[str], *, sees_all: bool, reads_notes: bool
) -> Statement:
    one: Select[tuple[object, ...]] = select(literal_column("1"))
    matching = _matching(one, conditions, sees_all=sees_all, reads_notes=reads_notes)
    bounded = matching.limit(bindparam("bound", type_=Integer)).subquery()
    return Statement.of(select(func.count().label("tickets")).select_from(bounded))


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
