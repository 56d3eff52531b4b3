"""What happens to tickets and workflows, heard over a socket and as server-sent events."""

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
from tests.api.graphql.resolvers.test_tickets import ASSIGN, COMMENT, MOVE, UPDATE, opened
from tests.support.api_client import Api, Client, bearer
from tests.support.declared_resources import DEFAULTS, put
from tests.support.lock_gates import PATIENCE_SECONDS
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
WITH_PEOPLE = """
subscription { ticketsChanged { entry { seq } ticket { requester { name } assignee { name } } } }
"""
WITH_TRANSITIONS = """
subscription {
  ticketsChanged {
    ticket { transitions { to allowed } requester { name } history { nodes { seq } } }
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


async def test_a_ticket_is_followed_through_its_life(api: Api) -> None:
    ticket = await opened(api)
    await api.data(MARTON, ASSIGN, id=ticket, to=MARTON.id)
    async with socket_of(api.client, ANNA) as socket:
        await socket.subscribe("a", TICKET, id=ticket, after=await end_of_changes(api))
        await opened(api, title="Another ticket")
        await api.data(MARTON, MOVE, id=ticket, to="IN_PROGRESS")
        [moved] = await changes(socket, "ticketChanged", 1)
        position = moved.pop("position")
        assert moved == {
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
        await api.data(MARTON, MOVE, id=ticket, to="RESOLVED")
        missed = await changes(socket, "ticketChanged", 3)
        assert [each["entry"]["seq"] for each in missed] == [4, 5, 6]


async def test_open_streams_are_measured(api: Api) -> None:
    async with socket_of(api.client, ANNA), api.client.get("/metrics") as response:
        assert "interlock_streams 1.0" in await response.text()


async def test_a_list_is_told_what_comes_and_what_leaves(api: Api) -> None:
    async with socket_of(api.client, MARTON) as socket:
        await socket.subscribe(
            "a", TICKETS, filter={"assignedToMe": True}, after=await end_of_changes(api)
        )
        ticket, other = await opened(api), await opened(api)
        await api.data(MARTON, ASSIGN, id=ticket, to=MARTON.id)
        [came] = await changes(socket, "ticketsChanged", 1)
        await api.data(ADA, ASSIGN, id=other, to=ANNA.id)
        await api.data(MARTON, ASSIGN, id=ticket, to=None)
        [left] = await changes(socket, "ticketsChanged", 1)
    assert (came["ticket"]["id"], came["entry"]["kind"], came["matchesFilter"]) == (
        ticket,
        "ASSIGNEE",
        True,
    )
    assert (left["ticket"]["id"], left["entry"]["seq"], left["matchesFilter"]) == (ticket, 3, False)


@pytest.mark.parametrize(
    ("actor", "heard"),
    [(MARTON, ["NOTE", "COMMENT"]), (ADA, ["NOTE", "COMMENT"])]
    + [(each, ["COMMENT"]) for each in (ANNA, OUTSIDER)],
)
async def test_notes_are_heard_by_the_assignee_side_only(
    api: Api, actor: Actor, heard: list[str]
) -> None:
    ticket = await opened(api)
    after = await end_of_changes(api)
    await api.data(MARTON, NOTE, id=ticket, text="Their card is expired")
    await api.data(MARTON, COMMENT, id=ticket, text="Looking")
    for query, field in ((TICKET, "ticketChanged"), (TICKETS, "ticketsChanged")):
        variables = {"id": ticket} if query is TICKET else {}
        async with socket_of(api.client, actor) as socket:
            await socket.subscribe("a", query, after=after, **variables)
            told = await changes(socket, field, len(heard))
            assert [each["entry"]["kind"] for each in told] == heard


async def test_kinds_are_chosen(api: Api) -> None:
    ticket = await opened(api)
    after = await end_of_changes(api)
    await api.data(ANNA, UPDATE, id=ticket, title="Cards fail", priority="LOW")
    await api.data(MARTON, COMMENT, id=ticket, text="Looking")
    await api.data(ADA, UPDATE, id=ticket, priority="CRITICAL")
    async with socket_of(api.client, ANNA) as socket:
        wanted = {"kinds": ["PRIORITY", "COMMENT"], "priority": ["CRITICAL"]}
        await socket.subscribe("a", TICKETS, filter=wanted, after=after)
        told = await changes(socket, "ticketsChanged", 2)
        assert [(each["entry"]["seq"], each["matchesFilter"]) for each in told] == [
            (3, True),
            (5, True),
        ]


async def heard_by(api: Api, people: Sequence[Actor], query: str) -> list[dict[str, Any]]:
    """Return what each of these people is told of a ticket that Marton picks up."""
    ticket = await opened(api)
    await api.data(MARTON, ASSIGN, id=ticket, to=MARTON.id)
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(socket_of(api.client, each)) for each in people]
        for socket in sockets:
            await socket.subscribe("a", query)
        await listeners(api, len(people))
        await api.data(MARTON, MOVE, id=ticket, to="IN_PROGRESS")
        return [told for each in sockets for told in await changes(each, "ticketsChanged", 1)]


async def listeners(api: Api, count: int) -> None:
    """Return when so many wait for changes, and so are told of them together."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with api.client.get("/metrics") as response:
                if f"interlock_subscribers {count}.0" in await response.text():
                    return


async def test_who_asks_the_same_shares_an_answer(api: Api, statements: list[str]) -> None:
    people = (ANNA, MARTON, ADA, OUTSIDER)
    told = await heard_by(api, people, WITH_PEOPLE)
    names = {"requester": {"name": ANNA.name}, "assignee": {"name": MARTON.name}}
    assert told == [{"entry": {"seq": 3}, "ticket": names}] * len(people)
    assert statements.count(USER_NAMES.sql) == 1


async def test_an_answer_that_depends_on_who_asks_is_not_shared_but_what_is_read_for_it(
    api: Api, statements: list[str]
) -> None:
    told = await heard_by(api, (MARTON, OUTSIDER, MARTON, ANNA), WITH_TRANSITIONS)
    allowed = [
        [each["to"] for each in one["ticket"]["transitions"] if each["allowed"]] for one in told
    ]
    assert allowed[0] == allowed[2] != []
    assert allowed[1] == []
    assert allowed[3] != allowed[0]
    assert statements.count(USER_NAMES.sql) == 1
    assert statements.count(PAGES[False].sql) == 2, "with notes for Marton, without for the others"


async def test_who_asks_for_their_own_is_told_of_what_is_theirs(api: Api) -> None:
    ticket = await opened(api)
    await api.data(MARTON, ASSIGN, id=ticket, to=MARTON.id)
    async with socket_of(api.client, MARTON) as his, socket_of(api.client, ADA) as hers:
        for socket in (his, hers):
            await socket.subscribe("a", TICKETS, filter={"assignedToMe": True})
        await listeners(api, 2)
        await api.data(MARTON, ASSIGN, id=ticket, to=ADA.id)
        told = [await changes(each, "ticketsChanged", 1) for each in (his, hers)]
    assert [one["matchesFilter"] for [one] in told] == [False, True]


async def test_workflows_are_told_when_they_are_declared_otherwise(
    api: Api, engine: EngineHandle
) -> None:
    async with socket_of(api.client, ANNA) as socket:
        await socket.subscribe("a", WORKFLOWS)
        await socket.subscribe("b", "{ position }")  # by its answer, the first one is open
        assert "position" in await socket.data("b")
        assert await socket.receive() == {"id": "b", "type": "complete"}
        await put(engine.database, [replace(FIRST, retired=True)])
        [told] = await changes(socket, "workflowsChanged", 1)
        assert told["workflows"] == [{"name": FIRST.key.name, "retired": True}]


async def test_who_was_away_is_told_which_workflows_were_declared_meanwhile(
    api: Api, engine: EngineHandle
) -> None:
    before = (await api.data(ANNA, WORKFLOWS_POSITION))["workflowsPosition"]
    await put(engine.database, [replace(FIRST, retired=True)])
    async with socket_of(api.client, ANNA) as socket:
        await socket.subscribe("a", WORKFLOWS, after=before)
        [first] = await changes(socket, "workflowsChanged", 1)
        await put(engine.database, [SECOND, FIRST])
    async with socket_of(api.client, ANNA) as socket:
        await socket.subscribe("a", WORKFLOWS, after=first["position"])
        [second] = await changes(socket, "workflowsChanged", 1)
    assert first["workflows"] == [{"name": FIRST.key.name, "retired": True}]
    assert {"name": FIRST.key.name, "retired": False} in second["workflows"]
    assert {"name": SECOND.key.name, "retired": False} in second["workflows"]
    assert second["position"] > first["position"] > before


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "no such ticket": (TICKET, {"id": "tk_ffffff"}, "not_found"),
    "no position": (TICKETS, {"after": "yesterday"}, "invalid_input"),
    "a position to come": (TICKETS, {"after": "999999999999-1"}, "invalid_input"),
    "a position of tickets": (WORKFLOWS, {"after": "1-1"}, "invalid_input"),
    "a position of workflows to come": (WORKFLOWS, {"after": "r999999"}, "invalid_input"),
    "an empty list": (TICKETS, {"filter": {"status": []}}, "invalid_input"),
    "an unknown status": (TICKETS, {"filter": {"status": ["LOST"]}}, "invalid_variables"),
}


@pytest.mark.parametrize(("query", "variables", "code"), REFUSED.values(), ids=REFUSED)
async def test_what_can_not_be_followed_is_refused(
    api: Api, query: str, variables: dict[str, Any], code: str
) -> None:
    async with socket_of(api.client, ANNA) as socket:
        await socket.subscribe("a", query, **variables)
        message = await socket.receive()
        [error] = message["payload"]
        assert (message["type"], error["extensions"]["code"]) == ("error", code)


async def test_while_ticketing_is_off_nothing_is_followed(api: Api) -> None:
    switch = 'mutation { togglePlugin(name: "ticketing", enabled: false) { plugin { enabled } } }'
    await api.data(ADA, switch)
    async with socket_of(api.client, ANNA) as socket:
        for query in (TICKETS, WORKFLOWS):
            await socket.subscribe("a", query)
            [error] = (await socket.receive())["payload"]
            assert error["extensions"]["code"] == "plugin_disabled"


async def test_events_are_resumed_by_the_position_of_the_last(api: Api) -> None:
    after = await end_of_changes(api)
    ticket = await opened(api)
    await api.data(MARTON, COMMENT, id=ticket, text="Looking")
    await api.data(MARTON, COMMENT, id=ticket, text="Found it")
    asked = {"query": TICKETS, "variables": {"after": after}}
    seen: list[int] = []
    last: dict[str, str] = {}
    for _ in range(3):
        headers = bearer(ANNA) | last
        async with api.client.post("/graphql/stream", json=asked, headers=headers) as response:
            lines = [(await response.content.readline()).decode().strip() for _ in range(4)]
            assert lines[0] == "event: next"
            told = json.loads(lines[2].removeprefix("data: "))["data"]["ticketsChanged"]
            assert lines[1] == f"id: {told['position']}"
            seen.append(told["entry"]["seq"])
            last = {"Last-Event-ID": told["position"]}
    assert seen == [1, 2, 3]
