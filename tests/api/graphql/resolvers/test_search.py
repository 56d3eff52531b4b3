"""Searching tickets in the GraphQL API: filters, orders, pages and counts."""

from typing import Any

import pytest

from api.bootstrap.engine import EngineHandle
from engine.storage.tickets.search import find_tickets
from engine.tickets.actor import Actor
from engine.tickets.search import PageRequest
from engine.tickets.viewer import SYSTEM_VIEWER
from tests.support.api_client import Api
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER

CREATE = """
mutation ($title: String!, $description: String! = "", $priority: Priority! = MEDIUM,
          $workflow: String! = "incident_response", $group: String) {
  createTicket(title: $title, description: $description, priority: $priority, workflow: $workflow,
               assigneeGroup: $group) { ticket { id } }
}
"""
ASSIGN = "mutation ($id: ID!, $to: ID) { assignTicket(id: $id, assignee: $to) { ticket { id } } }"
FIND = """
query ($filter: TicketFilter, $by: TicketOrderField! = CREATED_AT, $from: OrderDirection! = DESC,
       $first: Int, $after: String, $last: Int, $before: String) {
  tickets(filter: $filter, orderBy: {field: $by, direction: $from},
          first: $first, after: $after, last: $last, before: $before) {
    nodes { title }
    edges { cursor node { title } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
COUNT = "query ($filter: TicketFilter) { tickets(filter: $filter, first: 1) { totalCount } }"


async def open_three_tickets(api: Api) -> None:
    """Open two tickets of Anna, one for the payment-team, and one of Marton."""
    await api.data(ANNA, CREATE, title="Printer", description="is on fire", priority="CRITICAL")
    paid = await api.data(ANNA, CREATE, title="Payments fail", group="payment-team", priority="LOW")
    await api.data(MARTON, CREATE, title="Laptop", workflow="service_request")
    to_marton = {"id": paid["createTicket"]["ticket"]["id"], "to": MARTON.id}
    await api.data(MARTON, ASSIGN, **to_marton)


@pytest.fixture(scope="module")
async def desk(shared_api: Api) -> Api:
    """Return an API with three tickets."""
    await open_three_tickets(shared_api)
    return shared_api


async def titles(api: Api, actor: Actor, **variables: object) -> list[str]:
    found = (await api.data(actor, FIND, **variables))["tickets"]
    assert [each["node"] for each in found["edges"]] == found["nodes"]
    return [each["title"] for each in found["nodes"]]


FILTERS: dict[str, tuple[Actor, dict[str, object], list[str]]] = {
    "no filter": (ANNA, {}, ["Laptop", "Payments fail", "Printer"]),
    "null": (
        ANNA,
        {"status": None, "text": None, "unassigned": None},
        ["Laptop", "Payments fail", "Printer"],
    ),
    "a status": (ANNA, {"status": ["OPEN", "CLOSED"]}, ["Laptop", "Payments fail", "Printer"]),
    "another status": (ANNA, {"status": ["RESOLVED"]}, []),
    "priorities": (ANNA, {"priority": ["CRITICAL", "LOW"]}, ["Payments fail", "Printer"]),
    "a workflow": (ANNA, {"workflow": ["service_request"]}, ["Laptop"]),
    "an assignee": (ANNA, {"assignee": "u_c4"}, ["Payments fail"]),
    "unassigned": (ANNA, {"unassigned": True}, ["Laptop", "Printer"]),
    "false": (
        ANNA,
        {"unassigned": False, "assignedToMe": False, "myGroups": False, "movableByMe": False},
        ["Laptop", "Payments fail", "Printer"],
    ),
    "a requester": (ANNA, {"requester": "u_c4"}, ["Laptop"]),
    "a group": (ANNA, {"assigneeGroup": "payment-team"}, ["Payments fail"]),
    "a service": (ANNA, {"service": "acme/shop"}, []),
    "the past": (ANNA, {"createdBefore": "2020-01-01T00:00:00Z"}, []),
    "since": (
        ANNA,
        {"createdSince": "2020-01-01T00:00:00Z", "updatedSince": "2020-01-01T00:00:00+02:00"},
        ["Laptop", "Payments fail", "Printer"],
    ),
    "changed before": (ANNA, {"updatedBefore": "2020-01-01T00:00:00Z"}, []),
    "with an SLA breach": (ANNA, {"breached": True}, []),
    "without an SLA breach": (ANNA, {"breached": False}, ["Laptop", "Payments fail", "Printer"]),
    "with an SLA target that is due soon": (ANNA, {"dueWithin": "1d"}, []),
    "words": (ANNA, {"text": "FIRE printer"}, ["Printer"]),
    "one word or another": (ANNA, {"text": "laptop or payments"}, ["Laptop", "Payments fail"]),
    "words in quotes": (ANNA, {"text": '"on fire"'}, ["Printer"]),
    "words that are not adjacent": (ANNA, {"text": '"is fire"'}, []),
    "an excluded word": (ANNA, {"text": "-fire"}, ["Laptop", "Payments fail"]),
    "assigned to me": (MARTON, {"assignedToMe": True}, ["Payments fail"]),
    "my groups": (MARTON, {"myGroups": True}, ["Payments fail"]),
    "my groups, without any": (ANNA, {"myGroups": True}, []),
    "opened by me": (ANNA, {"openedByMe": True}, ["Payments fail", "Printer"]),
    "movable by me": (MARTON, {"movableByMe": True}, ["Payments fail"]),
    "movable by me, without a role that can": (ANNA, {"movableByMe": True}, []),
    "movable by an admin": (ADA, {"movableByMe": True}, []),
    "several conditions": (
        MARTON,
        {"status": ["OPEN"], "priority": ["LOW"], "assignedToMe": True, "text": "payments"},
        ["Payments fail"],
    ),
}


@pytest.mark.parametrize(("actor", "conditions", "found"), FILTERS.values(), ids=FILTERS)
async def test_a_filter_selects_tickets(
    desk: Api, actor: Actor, conditions: dict[str, object], found: list[str]
) -> None:
    assert await titles(desk, actor, filter=conditions) == found
    counted = await desk.data(actor, COUNT, filter=conditions)
    assert counted["tickets"]["totalCount"] == len(found)


ORDERS = {
    ("CREATED_AT", "ASC"): ["Printer", "Payments fail", "Laptop"],
    ("UPDATED_AT", "DESC"): ["Payments fail", "Laptop", "Printer"],
    ("PRIORITY", "DESC"): ["Printer", "Laptop", "Payments fail"],
    ("PRIORITY", "ASC"): ["Payments fail", "Laptop", "Printer"],
    ("DUE_AT", "ASC"): ["Laptop", "Payments fail", "Printer"],
    ("DUE_AT", "DESC"): ["Laptop", "Payments fail", "Printer"],
}


@pytest.mark.parametrize(("order", "found"), ORDERS.items())
async def test_tickets_are_ordered(desk: Api, order: tuple[str, str], found: list[str]) -> None:
    by, direction = order
    variables = {"by": by, "from": direction}
    assert await titles(desk, ANNA, **variables) == found
    assert await all_pages(desk, variables, "first", "after", "endCursor", "hasNextPage") == found
    backward = await all_pages(desk, variables, "last", "before", "startCursor", "hasPreviousPage")
    assert backward == found[::-1]


async def all_pages(
    api: Api, variables: dict[str, str], size: str, beyond: str, edge: str, has_more: str
) -> list[str]:
    """Return the titles on all pages of one ticket each."""
    seen: list[str] = []
    info: dict[str, Any] = {edge: None, has_more: True}
    while info[has_more]:
        page = await api.data(ANNA, FIND, **variables, **{size: 1, beyond: info[edge]})
        seen += [each["title"] for each in page["tickets"]["nodes"]]
        info = page["tickets"]["pageInfo"]
    return seen


async def test_a_page_shows_whether_there_are_more_on_either_side(desk: Api) -> None:
    middle = (await desk.data(ANNA, FIND, first=2))["tickets"]["edges"][1]["cursor"]
    after = (await desk.data(ANNA, FIND, first=5, after=middle))["tickets"]["pageInfo"]
    assert (after["hasPreviousPage"], after["hasNextPage"]) == (True, False)
    before = (await desk.data(ANNA, FIND, last=5, before=middle))["tickets"]["pageInfo"]
    assert (before["hasPreviousPage"], before["hasNextPage"]) == (False, True)
    nothing = (await desk.data(ANNA, FIND, filter={"text": "nothing"}))["tickets"]["pageInfo"]
    assert nothing == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }


async def test_a_page_has_twenty_tickets_by_default(api: Api, engine: EngineHandle) -> None:
    for number in range(21):
        await api.data(ANNA, CREATE, title=f"No. {number}")
    assert len(await titles(api, ANNA)) == 20
    assert (
        len((await find_tickets(engine.database, SYSTEM_VIEWER, {}, PageRequest(50))).tickets) == 21
    )


async def test_tickets_are_counted_only_if_selected(statements: list[str], api: Api) -> None:
    await open_three_tickets(api)
    query = "query ($count: Boolean!) { tickets { nodes { id } totalCount @include(if: $count) } }"
    await api.data(ANNA, query, count=False)
    assert not [each for each in statements if "count(" in each and "FROM tickets" in each]
    twice = "{ tickets { a: totalCount b: totalCount } }"
    assert (await api.data(ANNA, twice))["tickets"] == {"a": 3, "b": 3}
    assert len([each for each in statements if "count(" in each and "FROM tickets" in each]) == 1


async def cursor(api: Api, **variables: object) -> str:
    page = await api.data(ANNA, FIND, first=1, **variables)
    end: str = page["tickets"]["pageInfo"]["endCursor"]
    return end


@pytest.mark.parametrize(
    "order",
    [
        {"by": "CREATED_AT", "from": "ASC"},
        {"by": "UPDATED_AT", "from": "DESC"},
        {"by": "PRIORITY", "from": "DESC"},
    ],
)
async def test_a_cursor_is_refused_for_another_order(desk: Api, order: dict[str, object]) -> None:
    newest = await cursor(desk)
    answer = await desk.ask(ANNA, FIND, after=newest, **order)
    assert "ordered by CREATED_AT DESC" in answer["errors"][0]["message"]
    other = await cursor(desk, **order)
    refused = await desk.refusal(ANNA, FIND, before=other, last=1)
    assert (refused["code"], refused["status"]) == ("invalid_input", 400)


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "first and last": ({"first": 1, "last": 1}, "both `first` and `last`"),
    "last: 0": ({"last": 0}, "1 to 100"),
    "an empty list": ({"filter": {"status": []}}, "status: "),
    "an empty text": ({"filter": {"text": " "}}, "text: "),
    "a text without a word": (
        {"filter": {"text": "?! <->"}},
        "text: must contain something to search",
    ),
    "an invalid duration": ({"filter": {"dueWithin": "1 day"}}, "dueWithin: must be a duration"),
    "an invalid group": ({"filter": {"assigneeGroup": "a\nb"}}, "assigneeGroup: "),
    "a time out of range": (
        {"filter": {"createdSince": "0001-01-01T00:00:00+14:00"}},
        "DateTime",
    ),
}


@pytest.mark.parametrize(("variables", "message"), REFUSED.values(), ids=REFUSED)
async def test_invalid_arguments_are_refused(
    shared_api: Api, variables: dict[str, object], message: str
) -> None:
    answer = await shared_api.ask(OUTSIDER, FIND, **variables)
    assert message in answer["errors"][0]["message"]
    code = "invalid_variables" if message == "DateTime" else "invalid_input"
    assert answer["errors"][0]["extensions"]["code"] == code


async def test_a_large_page_with_many_fields_is_too_expensive_from_either_end(
    shared_api: Api,
) -> None:
    query = "query ($n: Int) {{ tickets({}: $n) {{ nodes {{ history(last: 25) {{ {} }} }} }} }}"
    fields = " ".join(f"f{number}: seq" for number in range(5))
    for size in ("first", "last"):
        document = query.format(size, fields)
        assert (await shared_api.refusal(ADA, document, n=100))["limit"] == "cost_points"
        await shared_api.data(ADA, document, n=50)
