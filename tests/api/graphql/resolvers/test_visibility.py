"""Visibility applies to every field that reads or changes a ticket."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.bootstrap.application import open_application_on
from api.bootstrap.engine import EngineHandle
from api.settings import Settings
from engine.declaration.models import Readers
from engine.resources.resource import VISIBILITY, Kind, Resource
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import AssignTicket, CommentTicket
from engine.vocabulary import Visibility
from tests.api.graphql.resolvers.test_subscriptions import changes, socket_of
from tests.support.api_client import Api, bearer
from tests.support.declared_resources import put_resources
from tests.support.monitored_services import PATH, declare_service, report
from tests.support.personas import ADA, ANNA, CILI, MARTON, OUTSIDER
from tests.support.resources import groups

BELA = Actor("u_d2", "Béla T.")
NO_TICKET = "tk_000000"

VIEWERS = {
    "the assignee": BELA,
    "a member of the group": MARTON,
    "an admin": ADA,
    "a member of another group": CILI,
    "a user who commented": OUTSIDER,
    "an uninvolved user": ANNA,
}
INVOLVED = {BELA, MARTON, ADA}

READS = {
    "the ticket": "query ($id: ID!) { ticket(id: $id) { id title } }",
    "its history": "query ($id: ID!) { ticket(id: $id) { history { comment actor } } }",
    "a transition": "mutation ($id: ID!) { transitionTicket(id: $id, to: CLOSED,"
    " expectedVersion: 99) { ticket { id } } }",
    "a transition with a key": "mutation ($id: ID!) { transitionTicket(id: $id, to: CLOSED,"
    ' expectedVersion: 99, idempotencyKey: "k") { ticket { id } } }',
    "an assignment": "mutation ($id: ID!) { assignTicket(id: $id, assignee: null,"
    " expectedVersion: 99) { ticket { id } } }",
    "a start": "mutation ($id: ID!) { startTicket(id: $id, expectedVersion: 99)"
    " { ticket { id } } }",
    "a start with a note": 'mutation ($id: ID!) { startTicket(id: $id, comment: "Hi",'
    " internal: true, expectedVersion: 99) { ticket { id } } }",
    "an assignment to the viewer": "mutation ($id: ID!) { assignToMe(id: $id, expectedVersion: 99)"
    " { ticket { id } } }",
    "a transfer": "mutation ($id: ID!) { transferTicket(id: $id, assigneeGroup: null,"
    " expectedVersion: 99) { ticket { id } } }",
    "a comment": 'mutation ($id: ID!) { commentTicket(id: $id, text: "Hi", expectedVersion: 99)'
    " { ticket { id } } }",
    "a comment with a key": 'mutation ($id: ID!) { commentTicket(id: $id, text: "Hi",'
    ' expectedVersion: 99, idempotencyKey: "k") { ticket { id } } }',
    "an edit": 'mutation ($id: ID!) { updateTicket(id: $id, title: "Hi", expectedVersion: 99)'
    " { ticket { id } } }",
    "transitions": "mutation ($id: ID!) { transitionTickets(ids: [$id], to: CLOSED)"
    " { results { id ticket { id } error { message extensions } } } }",
}
LISTS = {
    "all tickets": "{ tickets { totalCount nodes { id } } }",
    "a filter": '{ tickets(filter: {text: "down", priority: [CRITICAL]})'
    " { totalCount nodes { id } } }",
    "the last page": "{ tickets(last: 5, orderBy: {field: UPDATED_AT})"
    " { totalCount nodes { id } } }",
}
REST_READS = {
    "the ticket": ("GET", "", None),
    "a transition": ("POST", "/transitions", {"to": "CLOSED"}),
    "a comment": ("POST", "/comments", {"text": "Hi"}),
    "a start": ("POST", "/start", {}),
    "an assignment": ("PUT", "/assignee", {"assignee": None}),
    "an assignment to the viewer": ("PUT", "/assignee", {"assignToMe": True}),
    "a transfer": ("PUT", "/assignee-group", {"assigneeGroup": None}),
}
CREATE = """mutation { createTicket(title: "Mine", priority: LOW,
    workflow: "incident_response", assigneeGroup: "storage-team") { ticket { id } } }"""
CHANGES = """subscription ($after: String) { ticketsChanged(after: $after) {
    entry { kind } ticket { id } matchesFilter position } }"""
SERVICES = "{ services(first: 10) { path status ticket { id history(last: 9) { comment } } } }"


def declared(visibility: Visibility) -> Resource:
    return Resource.of(Kind.SETTING, VISIBILITY, Readers(readers=visibility))


@pytest.fixture(params=Visibility)
def visibility(request: pytest.FixtureRequest) -> Visibility:
    chosen: Visibility = request.param
    return chosen


@pytest.fixture
async def api(
    engine: EngineHandle, settings: Settings, visibility: Visibility
) -> AsyncIterator[Api]:
    """Return the API of a server with this visibility."""
    await put_resources(engine.database, [declared(visibility), groups("storage-team")])
    async with (
        open_application_on(engine, settings) as application,
        TestClient(TestServer(application)) as client,
    ):
        yield Api(client)


@pytest.fixture
async def start(api: Api) -> str:
    """Return the position before the fixtures that follow."""
    position: str = (await api.data(ADA, "{ position }"))["position"]
    return position


@pytest.fixture
async def ticket(engine: EngineHandle) -> str:
    """Return an outage ticket that is assigned to Béla and that an uninvolved user commented on."""
    await declare_service(engine.database)
    answer = await report(engine.database, "DOWN")
    assert answer.ticket is not None
    store = TicketStore(engine.database)
    await store.assign(MARTON, AssignTicket(ticket=answer.ticket, assignee=BELA.id))
    await store.comment(OUTSIDER, CommentTicket(ticket=answer.ticket, text="Here, too"))
    return answer.ticket


async def response_for(ticket: str, query: str, api: Api, actor: Actor) -> str:
    """Return the response without the ids of the ticket and of the request."""
    text = str(await api.ask(actor, query, id=ticket)).replace(ticket, "")
    return re.sub(r"'requestId': '\w+'", "", text)


@pytest.mark.parametrize("query", READS.values(), ids=READS)
async def test_an_invisible_ticket_is_answered_like_an_unknown_one(
    query: str, api: Api, ticket: str, visibility: Visibility
) -> None:
    for name, actor in VIEWERS.items():
        there, missing = [
            await response_for(each, query, api, actor) for each in (ticket, NO_TICKET)
        ]
        sees = visibility is Visibility.EVERYONE or actor in INVOLVED
        assert (there != missing) is sees, name
        assert "not_found" in missing


@pytest.mark.parametrize(("method", "path", "body"), REST_READS.values(), ids=REST_READS)
async def test_rest_answers_an_invisible_ticket_like_an_unknown_one(
    method: str, path: str, body: object, api: Api, ticket: str, visibility: Visibility
) -> None:
    async def answer(actor: Actor, id_: str) -> str:
        headers = {**bearer(actor), "X-Request-ID": "same", "If-Match": '"99"'}
        url = f"/api/v1/tickets/{id_}{path}"
        async with api.client.request(method, url, json=body, headers=headers) as response:
            return f"{response.status} {await response.text()}".replace(id_, "")

    for name, actor in VIEWERS.items():
        sees = visibility is Visibility.EVERYONE or actor in INVOLVED
        there, missing = await answer(actor, ticket), await answer(actor, NO_TICKET)
        assert (there != missing) is sees, name


async def test_subscribers_get_changes_of_visible_tickets_only(
    api: Api, start: str, ticket: str, visibility: Visibility
) -> None:
    for name, actor in VIEWERS.items():
        own = await opened(api, actor)
        sees = visibility is Visibility.EVERYONE or actor in INVOLVED
        async with socket_of(api.client, actor) as socket:
            await socket.subscribe("a", CHANGES, after=start)
            [first] = await changes(socket, "ticketsChanged", 1)
        assert first["ticket"]["id"] == (ticket if sees else own), name


@pytest.mark.parametrize("query", LISTS.values(), ids=LISTS)
async def test_a_list_contains_and_counts_visible_tickets_only(
    query: str, api: Api, ticket: str, visibility: Visibility
) -> None:
    for name, actor in VIEWERS.items():
        sees = visibility is Visibility.EVERYONE or actor in INVOLVED
        found = (await api.data(actor, query))["tickets"]
        expected = [{"id": ticket}] if sees else []
        assert found == {"totalCount": len(expected), "nodes": expected}, name


async def test_a_service_has_its_ticket_only_if_it_is_visible(
    api: Api, ticket: str, visibility: Visibility
) -> None:
    for name, actor in VIEWERS.items():
        sees = visibility is Visibility.EVERYONE or actor in INVOLVED
        [service] = (await api.data(actor, SERVICES))["services"]
        assert (service["path"], service["status"]) == (PATH, "DOWN")
        assert (service["ticket"] is not None) is sees, name
        assert ticket in str(service) or not sees


async def opened(api: Api, actor: Actor) -> str:
    created = await api.data(actor, CREATE)
    ticket: str = created["createTicket"]["ticket"]["id"]
    return ticket


async def test_a_requester_can_read_and_find_their_ticket(api: Api) -> None:
    mine = await opened(api, ANNA)
    assert (await api.data(ANNA, LISTS["all tickets"]))["tickets"]["nodes"] == [{"id": mine}]


async def test_a_running_server_applies_a_changed_visibility(
    api: Api, ticket: str, engine: EngineHandle, visibility: Visibility
) -> None:
    [other] = {*Visibility} - {visibility}
    await put_resources(engine.database, [declared(other)])
    expected = [{"id": ticket}] if other is Visibility.EVERYONE else []
    async with asyncio.timeout(20):
        while (await api.data(ANNA, LISTS["all tickets"]))["tickets"]["nodes"] != expected:
            await engine.database.check()
