"""Who may read which tickets, at every door that reads or changes one."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.bootstrap import application_on
from api.parts import Parts
from api.settings import Settings
from engine.storage.ticket_store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.requests import AssignTicket, CommentTicket, CreateTicket
from engine.vocabulary import Visibility
from engine.workflows.declaration import Readers
from engine.workflows.resources import VISIBILITY, Kind, Resource
from tests.api.conftest import Api, bearer
from tests.api.test_following_tickets import socket_of
from tests.declared import put
from tests.engine.storage.outages import PATH, declare_service, report
from tests.people import ADA, ANNA, MARTON, STRANGER

BELA = Actor("u_d2", "Béla T.")
OTHER_TEAM = Actor("u_e3", "Cili V.", frozenset({"network-team"}))
NO_TICKET = "tk_000000"

VIEWERS = {
    "the assignee": BELA,
    "a member of the group": MARTON,
    "an admin": ADA,
    "a member of another group": OTHER_TEAM,
    "who commented": STRANGER,
    "nobody in particular": ANNA,
}
INVOLVED = {BELA, MARTON, ADA}

READS = {
    "the ticket": "query ($id: ID!) { ticket(id: $id) { id title } }",
    "its history": "query ($id: ID!) { ticket(id: $id) { id history { comment actor } } }",
    "a move": "mutation ($id: ID!) { transitionTicket(id: $id, to: CLOSED, expectedVersion: 99)"
    " { ticket { id } } }",
    "a move under a key": "mutation ($id: ID!) { transitionTicket(id: $id, to: CLOSED,"
    ' expectedVersion: 99, idempotencyKey: "k") { ticket { id } } }',
    "an assignment": "mutation ($id: ID!) { assignTicket(id: $id, assignee: null,"
    " expectedVersion: 99) { ticket { id } } }",
    "a comment": 'mutation ($id: ID!) { commentTicket(id: $id, text: "Hi", expectedVersion: 99)'
    " { ticket { id } } }",
    "a comment under a key": 'mutation ($id: ID!) { commentTicket(id: $id, text: "Hi",'
    ' expectedVersion: 99, idempotencyKey: "k") { ticket { id } } }',
    "an edit": 'mutation ($id: ID!) { updateTicket(id: $id, title: "Hi", expectedVersion: 99)'
    " { ticket { id } } }",
    "moves": "mutation ($id: ID!) { transitionTickets(ids: [$id], to: CLOSED)"
    " { outcomes { id ticket { id } refusal { message extensions } } } }",
}
LISTS = {
    "all tickets": "{ tickets { totalCount nodes { id } } }",
    "a filter": '{ tickets(filter: {text: "down", priority: [CRITICAL]})'
    " { totalCount nodes { id } } }",
    "the last ones": "{ tickets(last: 5, orderBy: {field: UPDATED_AT})"
    " { totalCount nodes { id } } }",
}
SERVICES = "{ services { path status ticket { id history { comment } } } }"


def declared(visibility: Visibility) -> Resource:
    return Resource.of(Kind.SETTING, VISIBILITY, Readers(readers=visibility))


@pytest.fixture(params=Visibility)
def visibility(request: pytest.FixtureRequest) -> Visibility:
    chosen: Visibility = request.param
    return chosen


@pytest.fixture
async def api(parts: Parts, settings: Settings, visibility: Visibility) -> AsyncIterator[Api]:
    """Return an API whose tickets are for these readers."""
    await put(parts.database, [declared(visibility)])
    async with (
        application_on(parts, settings) as application,
        TestClient(TestServer(application)) as client,
    ):
        yield Api(client)


@pytest.fixture
async def ticket(parts: Parts) -> str:
    """Return the ticket of an outage, assigned to Béla, on which a stranger commented."""
    await declare_service(parts.database)
    answer = await report(parts.database, "DOWN")
    assert answer.ticket is not None
    store = TicketStore(parts.database)
    await store.assign(MARTON, AssignTicket(ticket=answer.ticket, assignee=BELA.id))
    await store.comment(STRANGER, CommentTicket(ticket=answer.ticket, text="Here, too"))
    return answer.ticket


@pytest.mark.parametrize("query", READS.values(), ids=READS)
async def test_a_ticket_out_of_sight_answers_as_one_that_does_not_exist(
    query: str, api: Api, ticket: str, visibility: Visibility
) -> None:
    for name, actor in VIEWERS.items():
        there = str(await api.ask(actor, query, id=ticket)).replace(ticket, "")
        missing = str(await api.ask(actor, query, id=NO_TICKET)).replace(NO_TICKET, "")
        sees = visibility is Visibility.EVERYONE or actor in INVOLVED
        assert (there != missing) is sees, name
        assert "not_found" in missing


@pytest.mark.parametrize("query", LISTS.values(), ids=LISTS)
async def test_a_list_holds_and_counts_what_its_reader_may_read(
    query: str, api: Api, ticket: str, visibility: Visibility
) -> None:
    for name, actor in VIEWERS.items():
        sees = visibility is Visibility.EVERYONE or actor in INVOLVED
        found = (await api.data(actor, query))["tickets"]
        expected = [{"id": ticket}] if sees else []
        assert found == {"totalCount": len(expected), "nodes": expected}, name


async def test_a_service_tells_of_its_ticket_to_whoever_may_read_it(
    api: Api, ticket: str, visibility: Visibility
) -> None:
    for name, actor in VIEWERS.items():
        sees = visibility is Visibility.EVERYONE or actor in INVOLVED
        [service] = (await api.data(actor, SERVICES))["services"]
        assert (service["path"], service["status"]) == (PATH, "DOWN")
        assert (service["ticket"] is not None) is sees, name
        assert ticket in str(service) or not sees


REST: dict[str, tuple[str, str, dict[str, object] | None]] = {
    "the ticket": ("GET", "", None),
    "a move": ("POST", "/transitions", {"to": "CLOSED"}),
    "an assignment": ("PUT", "/assignee", {"assignee": None}),
    "a comment": ("POST", "/comments", {"text": "Hi"}),
}


@pytest.mark.parametrize(("method", "path", "body"), REST.values(), ids=REST)
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": '"k"'}], ids=["once", "under a key"])
async def test_a_ticket_out_of_sight_is_not_found_by_scripts(
    method: str,
    path: str,
    body: dict[str, object] | None,
    headers: dict[str, str],
    api: Api,
    ticket: str,
    visibility: Visibility,
) -> None:
    sent = headers | {"X-Request-ID": "the-same"}
    sent |= {} if method == "GET" else {"If-Match": '"99"'}
    for name, actor in VIEWERS.items():
        told = {}
        for asked in (ticket, NO_TICKET):
            async with api.client.request(
                method,
                f"/api/v1/tickets/{asked}{path}",
                json=body,
                headers=bearer(actor) | sent,
            ) as response:
                told[asked] = (await response.text()).replace(asked, ""), response.status
        sees = visibility is Visibility.EVERYONE or actor in INVOLVED
        assert (told[ticket] != told[NO_TICKET]) is sees, name
        assert told[NO_TICKET][1] == 404


FOLLOWED = "subscription ($id: ID!) { ticketChanged(id: $id) { ticket { id } } }"
ALL_FOLLOWED = """
subscription ($after: String) {
  ticketsChanged(after: $after) { ticket { id } entry { comment } }
}
"""


async def test_a_ticket_out_of_sight_is_followed_by_nobody(
    api: Api, ticket: str, visibility: Visibility
) -> None:
    for name, actor in VIEWERS.items():
        if visibility is Visibility.EVERYONE or actor in INVOLVED:
            continue
        async with socket_of(api.client, actor) as socket:
            told = []
            for operation, asked in (("a", ticket), ("b", NO_TICKET)):
                await socket.subscribe(operation, FOLLOWED, id=asked)
                [refused] = (await socket.receive())["payload"]
                told.append((refused["message"].replace(asked, ""), refused["extensions"]["code"]))
            assert told[0] == told[1], name


async def test_changes_are_told_to_whoever_may_read_their_ticket(
    api: Api, parts: Parts, ticket: str, visibility: Visibility
) -> None:
    after = (await api.data(ANNA, "{ position }"))["position"]
    store = TicketStore(parts.database)
    for name, actor in VIEWERS.items():
        own = await store.create(
            actor, CreateTicket(title="Own", priority="LOW", workflow="incident_response")
        )
        async with socket_of(api.client, actor) as socket:
            await socket.subscribe("a", ALL_FOLLOWED, after=after)
            await store.comment(MARTON, CommentTicket(ticket=ticket, text="for the involved"))
            await store.comment(actor, CommentTicket(ticket=own.id, text="the last one"))
            heard = set()
            while (change := (await socket.data("a"))["ticketsChanged"])["entry"][
                "comment"
            ] != "the last one" or change["ticket"]["id"] != own.id:
                heard.add(change["ticket"]["id"])
        sees = visibility is Visibility.EVERYONE or actor in INVOLVED
        assert (ticket in heard) is sees, name


async def test_what_somebody_opens_is_answered_and_found(api: Api) -> None:
    create = """mutation { createTicket(title: "Mine", priority: LOW,
        workflow: "incident_response", assigneeGroup: "payment-team") { ticket { id } } }"""
    mine = (await api.data(ANNA, create))["createTicket"]["ticket"]
    assert (await api.data(ANNA, LISTS["all tickets"]))["tickets"]["nodes"] == [mine]


async def test_a_running_server_hears_who_may_read(
    api: Api, ticket: str, parts: Parts, visibility: Visibility
) -> None:
    [other] = {*Visibility} - {visibility}
    await put(parts.database, [declared(other)])
    expected = [{"id": ticket}] if other is Visibility.EVERYONE else []
    async with asyncio.timeout(20):
        while (await api.data(ANNA, LISTS["all tickets"]))["tickets"]["nodes"] != expected:
            await parts.database.check()
