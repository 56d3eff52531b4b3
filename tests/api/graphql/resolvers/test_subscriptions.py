"""Subscriptions to changes, over a socket and as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from api.bootstrap.engine import EngineHandle
from engine.storage.tickets.history_pages import PAGES
from engine.storage.tickets.users import USER_NAMES
from engine.tickets.actor import Actor
from tests.api.graphql.resolvers.test_internal_notes import NOTE
from tests.api.graphql.resolvers.test_statement_counts import SCHEMA, all_fields
from tests.api.graphql.resolvers.test_tickets import ASSIGN, COMMENT, TRANSITION, UPDATE, opened
from tests.support.api_client import Api, Client, bearer
from tests.support.declared_resources import DEFAULTS, put_resources
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER
from tests.support.streams import SUBPROTOCOL, Socket

FIRST, SECOND = DEFAULTS[:2]
POSITION = "{ position }"
TICKET = """
subscription ($id: ID!, $after: String) {
  ticketChanged(id: $id, after: $after) {
    entry { seq kind from to comment actorUser { name } } ticket { status version }
    matchesFilter position
  }
}
"""
TICKETS = """
subscription ($filter: TicketChangeFilter, $after: String) {
  ticketsChanged(filter: $filter, after: $after) {
    entry { seq kind } ticket { id status assignee { name } } matchesFilter position
  }
}
"""
WITH_USERS = """
subscription { ticketsChanged { entry { seq } ticket { requester { name } assignee { name } } } }
"""
WITH_TRANSITIONS = """
subscription {
  ticketsChanged {
    ticket { transitions { to allowed } requester { name } history { seq } }
  }
}
"""
WORKFLOWS = """
subscription ($after: String) {
  workflowsChanged(after: $after) { workflows { name retired } position }
}
"""
WORKFLOWS_POSITION = "{ workflowsPosition }"


@asynccontextmanager
async def socket_of(client: Client, actor: Actor) -> AsyncIterator[Socket]:
    async with client.ws_connect("/graphql/ws", protocols=(SUBPROTOCOL,)) as socket:
        opened_socket = Socket(socket)
        await opened_socket.initialise(bearer(actor)["Authorization"])
        yield opened_socket


async def end_of_changes(api: Api) -> str:
    position: str = (await api.data(ANNA, POSITION))["position"]
    return position


async def changes(socket: Socket, field: str, count: int) -> list[dict[str, Any]]:
    return [(await socket.data("a"))[field] for _ in range(count)]


async def test_a_subscriber_gets_all_changes_of_a_ticket(api: Api) -> None:
    ticket = await opened(api)
    await api.data(MARTON, ASSIGN, id=ticket, to=MARTON.id)
    async with socket_of(api.client, ANNA) as socket:
        await socket.subscribe("a", TICKET, id=ticket, after=await end_of_changes(api))
        await opened(api, title="Another ticket")
        await api.data(MARTON, TRANSITION, id=ticket, to="IN_PROGRESS")
        [transitioned] = await changes(socket, "ticketChanged", 1)
        position = transitioned.pop("position")
        assert transitioned == {
            "entry": {
                "seq": 3,
                "kind": "STATUS",
                "from": "OPEN",
                "to": "IN_PROGRESS",
                "comment": None,
                "actorUser": {"name": "Marton P."},
            },
            "ticket": {"status": "IN_PROGRESS", "version": 3},
            "matchesFilter": True,
        }
        await api.data(MARTON, COMMENT, id=ticket, text="Looking")
        [commented] = await changes(socket, "ticketChanged", 1)
        assert (commented["entry"]["seq"], commented["entry"]["comment"]) == (4, "Looking")
    async with socket_of(api.client, ANNA) as socket:
        await api.data(MARTON, COMMENT, id=ticket, text="Found it")
        await socket.subscribe("a", TICKET, id=ticket, after=position)
        await api.data(MARTON, TRANSITION, id=ticket, to="RESOLVED")
        missed = await changes(socket, "ticketChanged", 3)
        assert [each["entry"]["seq"] for each in missed] == [4, 5, 6]


async def test_open_streams_are_measured(api: Api) -> None:
    async with socket_of(api.client, ANNA), api.client.get("/metrics") as response:
        assert "interlock_streams 1.0" in await response.text()


async def test_a_filter_selects_tickets_that_start_or_stop_matching(api: Api) -> None:
    async with socket_of(api.client, MARTON) as socket:
        await socket.subscribe(
            "a", TICKETS, filter={"assignedToMe": True}, after=await end_of_changes(api)
        )
        ticket, other = await opened(api), await opened(api)
        await api.data(MARTON, ASSIGN, id=ticket, to=MARTON.id)
        [entered] = await changes(socket, "ticketsChanged", 1)
        await api.data(ADA, ASSIGN, id=other, to=ANNA.id)
        await api.data(MARTON, ASSIGN, id=ticket, to=None)
        [left] = await changes(socket, "ticketsChanged", 1)
    assert (entered["ticket"]["id"], entered["entry"]["kind"], entered["matchesFilter"]) == (
        ticket,
        "ASSIGNEE",
        True,
    )
    assert (left["ticket"]["id"], left["entry"]["seq"], left["matchesFilter"]) == (ticket, 3, False)


@pytest.mark.parametrize(
    ("actor", "kinds"),
    [(MARTON, ["NOTE", "COMMENT"]), (ADA, ["NOTE", "COMMENT"])]
    + [(each, ["COMMENT"]) for each in (ANNA, OUTSIDER)],
)
async def test_only_the_assignee_the_group_and_admins_get_notes(
    api: Api, actor: Actor, kinds: list[str]
) -> None:
    ticket = await opened(api)
    after = await end_of_changes(api)
    await api.data(MARTON, NOTE, id=ticket, text="Their card is expired")
    await api.data(MARTON, COMMENT, id=ticket, text="Looking")
    for query, field in ((TICKET, "ticketChanged"), (TICKETS, "ticketsChanged")):
        variables = {"id": ticket} if query is TICKET else {}
        async with socket_of(api.client, actor) as socket:
            await socket.subscribe("a", query, after=after, **variables)
            received = await changes(socket, field, len(kinds))
            assert [each["entry"]["kind"] for each in received] == kinds


async def test_a_filter_selects_kinds(api: Api) -> None:
    ticket = await opened(api)
    after = await end_of_changes(api)
    await api.data(ANNA, UPDATE, id=ticket, title="Cards fail", priority="LOW")
    await api.data(MARTON, COMMENT, id=ticket, text="Looking")
    await api.data(ADA, UPDATE, id=ticket, priority="CRITICAL")
    async with socket_of(api.client, ANNA) as socket:
        conditions = {"kinds": ["PRIORITY", "COMMENT"], "priority": ["CRITICAL"]}
        await socket.subscribe("a", TICKETS, filter=conditions, after=after)
        received = await changes(socket, "ticketsChanged", 2)
        assert [(each["entry"]["seq"], each["matchesFilter"]) for each in received] == [
            (3, True),
            (5, True),
        ]


async def received_by(api: Api, viewers: Sequence[Actor], query: str) -> list[dict[str, Any]]:
    """Return the change that each viewer gets when Marton picks up a ticket."""
    ticket = await opened(api)
    await api.data(MARTON, ASSIGN, id=ticket, to=MARTON.id)
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(socket_of(api.client, each)) for each in viewers]
        for socket in sockets:
            await socket.subscribe("a", query)
        await wait_for_subscribers(api, len(viewers))
        await api.data(MARTON, TRANSITION, id=ticket, to="IN_PROGRESS")
        return [change for each in sockets for change in await changes(each, "ticketsChanged", 1)]


async def wait_for_subscribers(api: Api, count: int) -> None:
    """Wait until this number of subscribers wait for changes, to get them together."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            async with api.client.get("/metrics") as response:
                if f"interlock_subscribers {count}.0" in await response.text():
                    return


async def test_subscribers_with_the_same_selection_share_an_answer(
    api: Api, statements: list[str]
) -> None:
    viewers = (ANNA, MARTON, ADA, OUTSIDER)
    received = await received_by(api, viewers, WITH_USERS)
    names = {"requester": {"name": ANNA.name}, "assignee": {"name": MARTON.name}}
    assert received == [{"entry": {"seq": 3}, "ticket": names}] * len(viewers)
    assert statements.count(USER_NAMES.sql) == 1


async def test_answers_that_depend_on_the_viewer_share_only_what_is_read(
    api: Api, statements: list[str]
) -> None:
    received = await received_by(api, (MARTON, OUTSIDER, MARTON, ANNA), WITH_TRANSITIONS)
    allowed = [
        [each["to"] for each in one["ticket"]["transitions"] if each["allowed"]] for one in received
    ]
    assert allowed[0] == allowed[2] != []
    assert allowed[1] == []
    assert allowed[3] != allowed[0]
    assert statements.count(USER_NAMES.sql) == 1
    assert statements.count(PAGES[True, False].sql) == 2, (
        "with notes for Marton, without for the others"
    )


async def test_only_registered_resolvers_read_the_viewer_below_a_subscription(api: Api) -> None:
    fields = all_fields(
        SCHEMA.type_map["TicketChange"],
        frozenset({"Transition", "HistoryConnection", "HistoryEntry"}),
    )
    [change] = await received_by(api, [ANNA], f"subscription {{ ticketsChanged {fields} }}")
    assert not {"history", "historyConnection"} & change["ticket"].keys()


async def test_a_filter_for_the_viewer_depends_on_the_viewer(api: Api) -> None:
    ticket = await opened(api)
    await api.data(MARTON, ASSIGN, id=ticket, to=MARTON.id)
    async with socket_of(api.client, MARTON) as his, socket_of(api.client, ADA) as hers:
        for socket in (his, hers):
            await socket.subscribe("a", TICKETS, filter={"assignedToMe": True})
        await wait_for_subscribers(api, 2)
        await api.data(MARTON, ASSIGN, id=ticket, to=ADA.id)
        received = [await changes(each, "ticketsChanged", 1) for each in (his, hers)]
    assert [one["matchesFilter"] for [one] in received] == [False, True]


async def test_a_subscriber_gets_changed_workflows(api: Api, engine: EngineHandle) -> None:
    async with socket_of(api.client, ANNA) as socket:
        await socket.subscribe("a", WORKFLOWS)
        await socket.subscribe("b", "{ position }")  # its answer shows that the first one is open
        assert "position" in await socket.data("b")
        assert await socket.receive() == {"id": "b", "type": "complete"}
        await put_resources(engine.database, [replace(FIRST, retired=True)])
        [change] = await changes(socket, "workflowsChanged", 1)
        assert change["workflows"] == [{"name": FIRST.key.name, "retired": True}]


async def test_a_resumed_subscriber_gets_the_workflows_that_changed_meanwhile(
    api: Api, engine: EngineHandle
) -> None:
    before = (await api.data(ANNA, WORKFLOWS_POSITION))["workflowsPosition"]
    await put_resources(engine.database, [replace(FIRST, retired=True)])
    async with socket_of(api.client, ANNA) as socket:
        await socket.subscribe("a", WORKFLOWS, after=before)
        [first] = await changes(socket, "workflowsChanged", 1)
        await put_resources(engine.database, [SECOND, FIRST])
    async with socket_of(api.client, ANNA) as socket:
        await socket.subscribe("a", WORKFLOWS, after=first["position"])
        [second] = await changes(socket, "workflowsChanged", 1)
    assert first["workflows"] == [{"name": FIRST.key.name, "retired": True}]
    assert {"name": FIRST.key.name, "retired": False} in second["workflows"]
    assert {"name": SECOND.key.name, "retired": False} in second["workflows"]
    assert len({second["position"], first["position"], before}) == 3


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "an unknown ticket": (TICKET, {"id": "tk_ffffff"}, "not_found"),
    "not a position": (TICKETS, {"after": "yesterday"}, "invalid_input"),
    "a lost position": (TICKETS, {"after": "999999999999-1-0-9f86d081884c"}, "position_lost"),
    "a position of tickets": (WORKFLOWS, {"after": "1-1"}, "invalid_input"),
    "a lost position of workflows": (WORKFLOWS, {"after": "r9-9f86d081884c"}, "position_lost"),
    "an empty list": (TICKETS, {"filter": {"status": []}}, "invalid_input"),
    "an unknown status": (TICKETS, {"filter": {"status": ["LOST"]}}, "invalid_variables"),
}


@pytest.mark.parametrize(("query", "variables", "code"), REFUSED.values(), ids=REFUSED)
async def test_invalid_arguments_are_refused(
    shared_api: Api, query: str, variables: dict[str, Any], code: str
) -> None:
    async with socket_of(shared_api.client, ANNA) as socket:
        await socket.subscribe("a", query, **variables)
        message = await socket.receive()
        [error] = message["payload"]
        assert (message["type"], error["extensions"]["code"]) == ("error", code)


async def test_while_ticketing_is_off_subscriptions_are_refused(api: Api) -> None:
    switch = 'mutation { togglePlugin(name: "ticketing", enabled: false) { plugin { enabled } } }'
    await api.data(ADA, switch)
    async with socket_of(api.client, ANNA) as socket:
        for query in (TICKETS, WORKFLOWS):
            await socket.subscribe("a", query)
            [error] = (await socket.receive())["payload"]
            assert error["extensions"]["code"] == "plugin_disabled"


async def test_the_id_of_an_event_is_its_position(api: Api) -> None:
    after = await end_of_changes(api)
    ticket = await opened(api)
    await api.data(MARTON, COMMENT, id=ticket, text="Looking")
    await api.data(MARTON, COMMENT, id=ticket, text="Found it")
    body = {"query": TICKETS, "variables": {"after": after}}
    seen: list[int] = []
    last: dict[str, str] = {}
    for _ in range(3):
        headers = bearer(ANNA) | last
        async with api.client.post("/graphql/stream", json=body, headers=headers) as response:
            lines = [(await response.content.readline()).decode().strip() for _ in range(4)]
            assert lines[0] == "event: next"
            change = json.loads(lines[2].removeprefix("data: "))["data"]["ticketsChanged"]
            assert lines[1] == f"id: {change['position']}"
            seen.append(change["entry"]["seq"])
            last = {"Last-Event-ID": change["position"]}
    assert seen == [1, 2, 3]
