"""Lists and searches use indexes and never read all tickets."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.synthetic_data import insert_tickets
from engine.storage.postgres.database import CUSTOM_PLAN, Database, open_database
from engine.storage.postgres.statements import Statement
from engine.storage.tickets.filters import IS_DUE, IS_NOT_DUE, conditions_of
from engine.storage.tickets.search import PageShape, bound_values, find_tickets, page_statement
from engine.storage.tickets.visibility import actor_parameters
from engine.tickets.actor import Actor
from engine.tickets.search import Direction, Order, OrderField, PageRequest, TicketFilter
from engine.tickets.viewer import SYSTEM_VIEWER, Viewer
from engine.vocabulary import Visibility
from tests.support.databases import new_database

TICKETS = 30_000
PAGE = 20
ACTOR = Actor("u_7", "Person 7", frozenset({"group-7"}))
LIVE = ("OPEN", "IN_PROGRESS", "RESOLVED")
HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)

NEWEST = Order()
OLDEST = Order(direction=Direction.ASC)
LATEST_CHANGE = Order(OrderField.UPDATED_AT)
MOST_URGENT = Order(OrderField.PRIORITY)
LEAST_URGENT = Order(OrderField.PRIORITY, Direction.ASC)
DUE_FIRST = Order(OrderField.DUE_AT, Direction.ASC)

IN_ORDER: dict[str, tuple[str, Order, dict[str, object]]] = {
    "newest first": ("tickets_created_at_idx", NEWEST, {}),
    "oldest first": ("tickets_created_at_idx", OLDEST, {}),
    "last change first": ("tickets_updated_at_idx", LATEST_CHANGE, {}),
    "most urgent first": ("tickets_priority_idx", MOST_URGENT, {}),
    "least urgent first": ("tickets_priority_idx", LEAST_URGENT, {}),
    "of one priority": ("tickets_priority_idx", OLDEST, {"priority": ["CRITICAL"]}),
    "live, oldest first": ("tickets_live_idx", OLDEST, {"status": LIVE}),
    "assigned to me": ("tickets_assignee_idx", NEWEST, {"assigned_to_me": True}),
    "of an assignee": ("tickets_assignee_idx", OLDEST, {"assignee": "u_9"}),
    "unassigned": ("tickets_unassigned_idx", OLDEST, {"unassigned": True}),
    "opened by me": ("tickets_requester_idx", NEWEST, {"opened_by_me": True}),
    "of a requester": ("tickets_requester_idx", NEWEST, {"requester": "u_9"}),
    "of my only group": ("tickets_assignee_group_idx", NEWEST, {"my_groups": True}),
    "of a group": ("tickets_assignee_group_idx", NEWEST, {"assignee_group": "group-9"}),
    "of a service": ("tickets_service_idx", NEWEST, {"service": "a/b"}),
    "changed lately": ("tickets_updated_at_idx", LATEST_CHANGE, {"updated_since": HOUR_AGO}),
}
THROUGH_INDEX: dict[str, tuple[str, Order, dict[str, object]]] = {
    "due soon": ("tickets_next_due_at_idx", NEWEST, {"due_within": "1h"}),
    "a rare word": ("ticket_search_words_idx", NEWEST, {"text": "word15000"}),
    "a rare word, last change first": (
        "ticket_search_words_idx",
        LATEST_CHANGE,
        {"text": "word15000"},
    ),
    "two words of a group": (
        "ticket_search_words_idx",
        NEWEST,
        {"text": "word5000 word4", "assignee_group": "group-9"},
    ),
    "opened by me, last change first": (
        "tickets_requester_idx",
        LATEST_CHANGE,
        {"opened_by_me": True},
    ),
}


@pytest.fixture(scope="module")
async def crowded(template: str) -> AsyncIterator[Database]:
    """Return a database with many tickets, for tests that only read."""
    async with new_database(template) as url:
        await insert_tickets(url, TICKETS)
        async with open_database(url, 1) as database:
            yield database


async def plan(
    database: Database,
    page_request: PageRequest,
    wanted: Mapping[str, object],
    viewer: Viewer = SYSTEM_VIEWER,
) -> list[Any]:
    """Return the nodes of the plan for a page."""
    conditions = conditions_of(TicketFilter.parse(**wanted), ACTOR)
    bounds = {} if page_request.after is None else {"after": page_request.after}
    shape = PageShape(
        frozenset(conditions),
        page_request.order,
        frozenset(bounds),
        page_request.from_end,
        viewer.sees_all,
        viewer.actor.is_admin,
    )
    values = conditions | bound_values(bounds) | actor_parameters(viewer.actor)
    return await explain(database, shape, values)


async def explain(database: Database, shape: PageShape, values: Mapping[str, object]) -> list[Any]:
    """Return the nodes of the plan for a page."""
    statement = page_statement(shape)
    explaining = Statement(
        f"EXPLAIN (FORMAT JSON) {statement.sql}", statement.parameters, statement.constants
    )
    async with database.transaction() as session:
        await session.run(CUSTOM_PLAN)
        [row] = await session.rows(explaining, **values, rows=PAGE + 1)
    return list(nodes(json.loads(row[0])[0]["Plan"]))


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from nodes(child)


def node_types(found: list[Any]) -> set[str]:
    return {node["Node Type"] for node in found}


def indexes(found: list[Any]) -> set[str]:
    return {node["Index Name"] for node in found if "Index Name" in node}


@pytest.mark.parametrize(("index", "order", "wanted"), IN_ORDER.values(), ids=IN_ORDER)
async def test_a_page_is_read_in_order_from_its_index(
    crowded: Database, index: str, order: Order, wanted: dict[str, object]
) -> None:
    found = await plan(crowded, PageRequest(PAGE, order), wanted)
    assert (indexes(found), node_types(found)) == ({index}, {"Limit", "Index Scan"})


@pytest.mark.parametrize("order", [NEWEST, OLDEST, LATEST_CHANGE, MOST_URGENT, LEAST_URGENT])
@pytest.mark.parametrize(
    "page_request", [PageRequest(PAGE), PageRequest(PAGE, from_end=True)], ids=["first", "last"]
)
async def test_a_later_page_begins_in_the_middle_of_the_index(
    crowded: Database, order: Order, page_request: PageRequest
) -> None:
    page = await find_tickets(crowded, SYSTEM_VIEWER, {}, PageRequest(PAGE, order))
    cursor = order.cursor_of(page.tickets[-1])
    found = await plan(crowded, replace(page_request, order=order, after=cursor), {})
    assert node_types(found) == {"Limit", "Index Scan"}
    assert "ROW(" in found[-1]["Index Cond"]


@pytest.mark.parametrize(("index", "order", "wanted"), THROUGH_INDEX.values(), ids=THROUGH_INDEX)
async def test_a_short_list_is_read_through_its_index(
    crowded: Database, index: str, order: Order, wanted: dict[str, object]
) -> None:
    found = await plan(crowded, PageRequest(PAGE, order), wanted)
    assert index in indexes(found)
    assert "Seq Scan" not in node_types(found)


@pytest.mark.parametrize("is_later", [False, True], ids=["first page", "later page"])
async def test_tickets_are_read_in_the_order_of_their_due_times(
    crowded: Database, *, is_later: bool
) -> None:
    after = (datetime.now(UTC) + timedelta(days=1), "tk_000000") if is_later else None
    shape = PageShape(
        frozenset({IS_DUE}), DUE_FIRST, frozenset({"after"} if after else ()), from_end=False
    )
    found = await explain(crowded, shape, {} if after is None else bound_values({"after": after}))
    assert indexes(found) == {"tickets_next_due_at_idx"}
    assert node_types(found) == {"Limit", "Incremental Sort", "Index Scan"}
    assert ("Index Cond" in found[-1]) is is_later


async def test_tickets_without_a_due_time_are_read_from_the_newest(crowded: Database) -> None:
    shape = PageShape(frozenset({IS_NOT_DUE}), NEWEST, frozenset(), from_end=False)
    found = await explain(crowded, shape, {})
    assert indexes(found) == {"tickets_created_at_idx"}
    assert node_types(found) == {"Limit", "Index Scan"}


async def test_tickets_that_the_actor_can_move_are_read_through_the_indexes_of_users(
    crowded: Database,
) -> None:
    found = await plan(crowded, PageRequest(PAGE), {"movable_by_me": True})
    assert indexes(found) >= USER_INDEXES
    read_completely = {each["Relation Name"] for each in found if each["Node Type"] == "Seq Scan"}
    assert read_completely <= {"workflows"}


async def test_a_common_word_is_searched_for_from_the_newest_ticket(crowded: Database) -> None:
    found = await plan(crowded, PageRequest(PAGE), {"text": "word1"})
    assert indexes(found) == {"tickets_created_at_idx", "ticket_search_pkey", "tickets_pkey"}


WITHOUT_GROUP = Actor("u_7", "Person 7")
USER_INDEXES = {"tickets_requester_idx", "tickets_assignee_idx"}
INVOLVED: dict[str, tuple[Actor, Order, dict[str, object], set[str]]] = {
    "in few tickets": (WITHOUT_GROUP, NEWEST, {}, USER_INDEXES),
    "in few, last change first": (WITHOUT_GROUP, LATEST_CHANGE, {}, USER_INDEXES),
    "in those of a group": (ACTOR, NEWEST, {}, {"tickets_created_at_idx"}),
    "as requester": (ACTOR, NEWEST, {"opened_by_me": True}, {"tickets_requester_idx"}),
}


@pytest.mark.parametrize(("actor", "order", "wanted", "expected"), INVOLVED.values(), ids=INVOLVED)
async def test_tickets_that_involve_a_user_are_read_through_indexes(
    crowded: Database,
    actor: Actor,
    order: Order,
    wanted: dict[str, object],
    expected: set[str],
) -> None:
    found = await plan(
        crowded, PageRequest(PAGE, order), wanted, Viewer(actor, Visibility.INVOLVED)
    )
    assert indexes(found) >= expected
    assert "Seq Scan" not in node_types(found)


async def test_every_search_has_a_plan_for_its_own_values(crowded: Database) -> None:
    for word in ("word1", "word15000") * 10:
        wanted = TicketFilter.parse(text=word)
        await find_tickets(crowded, SYSTEM_VIEWER, conditions_of(wanted, ACTOR), PageRequest(PAGE))
    rows = await crowded.rows(
        Statement(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
            " WHERE statement LIKE 'SELECT tickets.%@@%'",
            (),
            {},
        )
    )
    assert [tuple(row) for row in rows] == [(0, 20)]
