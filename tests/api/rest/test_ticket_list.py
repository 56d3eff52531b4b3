"""`GET /api/v1/tickets` returns the pages that the GraphQL field `tickets` returns."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from pydantic.alias_generators import to_camel

from api.bootstrap.application import open_application_on
from api.bootstrap.engine import EngineHandle
from api.limits_setting import read_limits
from api.rest.openapi import _build_document
from api.rest.query_parameters import Parser, parse_number, parse_switch, parse_time
from api.rest.ticket_list import _LISTS, _PARSERS, TicketsQuery
from api.settings import Settings
from engine.declaration.models import Readers
from engine.resources.resource import VISIBILITY, Kind, Resource
from engine.tickets.actor import Actor
from engine.tickets.search import Direction, OrderField
from engine.vocabulary import Visibility
from tests.api.graphql.resolvers.test_search import FILTERS, ORDERS, open_three_tickets
from tests.support.api_client import Api, Client, SharedApplication, bearer
from tests.support.declared_resources import put_resources
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER

PATH = "/api/v1/tickets"
FIND = """
query ($filter: TicketFilter, $by: TicketOrderField! = CREATED_AT, $from: OrderDirection! = DESC,
       $first: Int, $after: String, $last: Int, $before: String) {
  tickets(filter: $filter, orderBy: {field: $by, direction: $from},
          first: $first, after: $after, last: $last, before: $before) {
    nodes {
      id title description status priority workflow requester { id } assignee { id } assigneeGroup
      service createdAt updatedAt version
    }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount
  }
}
"""


@pytest.fixture(scope="module")
async def desk(shared: SharedApplication) -> Client:
    """Return a client of a server with three tickets."""
    await open_three_tickets(Api(shared.client))
    return shared.client


async def page(client: Client, actor: Actor, **parameters: object) -> dict[str, Any]:
    response = await listed(client, actor, **parameters)
    assert response.pop("status") == 200, response
    return response


async def listed(client: Client, actor: Actor, **parameters: object) -> dict[str, Any]:
    """Return the status and the body of the response to a request with these parameters."""
    query = [
        (name, text if isinstance(text, str) else json.dumps(text))
        for name, value in parameters.items()
        for text in (value if isinstance(value, list) else [value])
        if text is not None
    ]
    async with client.get(PATH, params=query, headers=bearer(actor)) as response:
        return {"status": response.status, **await response.json(content_type=None)}


def as_rest(ticket: dict[str, Any]) -> dict[str, Any]:
    """Return a ticket of GraphQL as REST returns it, without its item."""
    users = {name: ticket[name] and ticket[name]["id"] for name in ("requester", "assignee")}
    return ticket | users


@pytest.mark.parametrize(("actor", "conditions", "found"), FILTERS.values(), ids=FILTERS)
async def test_the_parameters_are_the_filters_of_graphql(
    desk: Client, actor: Actor, conditions: dict[str, object], found: list[str]
) -> None:
    expected = (await Api(desk).data(actor, FIND, filter=conditions))["tickets"]
    actual = await page(desk, actor, **conditions, totalCount=True)
    assert [each["title"] for each in actual["tickets"]] == found
    assert all(each.pop("item") is None for each in actual["tickets"])
    assert actual == {
        "tickets": [as_rest(each) for each in expected["nodes"]],
        "pageInfo": expected["pageInfo"],
        "totalCount": expected["totalCount"],
    }


@pytest.mark.parametrize(("order", "found"), ORDERS.items())
async def test_cursors_lead_through_all_pages_from_either_end(
    desk: Client, order: tuple[str, str], found: list[str]
) -> None:
    by, direction = order
    for size, beyond, edge, has_more, titles in (
        ("first", "after", "endCursor", "hasNextPage", found),
        ("last", "before", "startCursor", "hasPreviousPage", found[::-1]),
    ):
        seen, info = [], {edge: None, has_more: True}
        while info[has_more]:
            cursor = {size: 1, beyond: info[edge]}
            read = await page(desk, ANNA, orderBy=by, direction=direction, **cursor)
            seen += [each["title"] for each in read["tickets"]]
            assert read["totalCount"] is None
            info = read["pageInfo"]
            asked = {"by": by, "from": direction, **cursor}
            assert info == (await Api(desk).data(ANNA, FIND, **asked))["tickets"]["pageInfo"]
        assert seen == titles


REFUSED: dict[str, tuple[dict[str, object], int, str]] = {
    "an unknown parameter": ({"asignee": "u_c4"}, 400, "Did you mean 'assignee'"),
    "a parameter in snake case": ({"assigned_to_me": True}, 400, "Did you mean 'assignedToMe'"),
    "a repeated parameter": ({"assignee": ["u_b1", "u_c4"]}, 400, "assignee is repeated"),
    "an unknown status": ({"status": ["OPEN", "DONE"]}, 400, "$.status[1]: must be 'OPEN'"),
    "an empty id": ({"requester": ""}, 400, "$.requester: must not be empty"),
    "a switch": ({"unassigned": "yes"}, 400, "unassigned must be true or false"),
    "a time without an offset": ({"createdSince": "2026-01-31T12:00:00"}, 400, "a timestamp"),
    "a duration": ({"dueWithin": "1 day"}, 400, "$.dueWithin: must be a duration"),
    "a number": ({"first": "ten"}, 400, "first must be a number"),
    "an empty page": ({"first": 0}, 400, "first must be 1 to 100, not 0"),
    "a large page": ({"last": 101}, 422, "last must be 1 to 100, not 101"),
    "both ends": ({"first": 1, "last": 1}, 400, "both `first` and `last`"),
    "an order": ({"orderBy": "TITLE"}, 400, "$.orderBy: must be 'CREATED_AT'"),
    "a direction": ({"direction": "desc"}, 400, "$.direction: must be 'ASC'"),
    "no cursor": ({"after": "x"}, 400, "The cursor is invalid"),
    "a control character": ({"service": "a\x00"}, 400, "$.service: must not contain"),
}


@pytest.mark.parametrize(("parameters", "status", "message"), REFUSED.values(), ids=REFUSED)
async def test_invalid_parameters_are_refused(
    desk: Client, parameters: dict[str, object], status: int, message: str
) -> None:
    refused = await listed(desk, OUTSIDER, **parameters)
    assert refused["status"] == status
    assert refused["code"] == ("invalid_input" if status == 400 else "limit_exceeded")
    assert message in refused["detail"]


async def test_a_cursor_belongs_to_the_order_of_its_list(desk: Client) -> None:
    end = (await page(desk, ANNA, first=1))["pageInfo"]["endCursor"]
    refused = await listed(desk, ANNA, after=end, orderBy="PRIORITY")
    assert "ordered by CREATED_AT DESC, not by PRIORITY DESC" in refused["detail"]


async def test_only_visible_tickets_are_listed_and_counted(api: Api, engine: EngineHandle) -> None:
    readers = Readers(readers=Visibility.INVOLVED)
    await put_resources(engine.database, [Resource.of(Kind.SETTING, VISIBILITY, readers)])
    await open_three_tickets(api)
    counts = {}
    for actor in (ANNA, MARTON, ADA, OUTSIDER):
        seen = await page(api.client, actor, totalCount=True)
        assert len(seen["tickets"]) == seen["totalCount"]
        counts[actor.name] = seen["totalCount"]
    assert counts == {"Anna K.": 2, "Marton P.": 2, "Ada L.": 3, "Zoe R.": 0}


@pytest.fixture
async def frugal_client(engine: EngineHandle, settings: Settings) -> AsyncIterator[Client]:
    """Yield a client of a server that refuses every list, with its cost."""
    limited = settings.model_copy(update={"limits": read_limits("cost_points=2")})
    async with (
        open_application_on(engine, limited) as application,
        TestClient(TestServer(application)) as opened,
    ):
        yield opened


async def test_a_page_costs_what_graphql_charges_for_it(frugal_client: Client) -> None:
    for size in (1, 20, 100):
        for counts in (True, False):
            document = FIND if counts else FIND.replace("totalCount", "")
            charged = await Api(frugal_client).refusal(ANNA, document, last=size)
            refused = await listed(frugal_client, ANNA, last=size, totalCount=counts)
            same = ("code", "status", "limit", "bound", "found")
            assert {each: refused[each] for each in same} == {each: charged[each] for each in same}


def parameters_of_the_document() -> Mapping[str, Mapping[str, Any]]:
    operation = json.loads(_build_document())["paths"][PATH]["get"]
    return {each["name"]: each["schema"] for each in operation["parameters"]}


def test_the_document_describes_every_parameter() -> None:
    documented = parameters_of_the_document()
    assert set(documented) == set(_PARSERS) == {*map(to_camel, TicketsQuery.model_fields)}
    types: dict[Parser, str] = {parse_number: "integer", parse_switch: "boolean"}
    for name, schema in documented.items():
        if name in _LISTS:
            assert schema["type"] == "array", name
        elif "$ref" not in schema:
            assert schema["type"] == types.get(_PARSERS[name], "string"), name
            assert (schema.get("format") == "date-time") == (_PARSERS[name] is parse_time), name


def test_the_document_has_the_orders_of_the_engine() -> None:
    schemas = json.loads(_build_document())["components"]["schemas"]
    assert schemas["TicketOrderField"]["enum"] == list(OrderField)
    assert schemas["OrderDirection"]["enum"] == list(Direction)
