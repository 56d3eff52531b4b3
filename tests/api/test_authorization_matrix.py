"""Who may use which field, mutation, subscription and route: all cases, for review.

A refusal, its code and its HTTP status are part of the snapshots. Read each change of them.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest
from aiohttp import hdrs, web
from aiohttp.test_utils import TestClient, TestServer
from graphql import build_schema
from pydantic import SecretStr
from syrupy.assertion import SnapshotAssertion

from api.auth.api_keys import ApiKeyEntry, Scope, generate_api_key
from api.bootstrap.application import open_application_on
from api.bootstrap.engine import open_engine
from api.graphql.interlock import schema_text
from api.settings import Settings
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.vocabulary import STATUSES, Status, Visibility
from tests.api.conftest import NO_RATE_LIMITS
from tests.support.api_client import SECRET, Client, bearer
from tests.support.databases import as_server, new_database
from tests.support.declared_resources import declare, put_resources
from tests.support.personas import ADA, sign_in
from tests.support.resources import workflow
from tests.support.streams import SUBPROTOCOL, Socket
from tests.support.ticket_states import VIEWERS, ticket_in_state

WORKFLOW: Final = "incident_response"
NEXT: Final = dict(zip(STATUSES, (*STATUSES[1:], STATUSES[0]), strict=True))
"""The target of the transitions: the next status, or OPEN again."""
PAYLOAD: Final = "{ ticket { id } }"
RESULTS: Final = "{ results { error { extensions } } }"
ON_TICKETS: Final = {
    "ticket": "query ($id: ID!) { ticket(id: $id) { id } }",
    "transitionTicket": f"transitionTicket(id: $id, to: $to) {PAYLOAD}",
    "startTicket": f"startTicket(id: $id) {PAYLOAD}",
    "assignToMe": f"assignToMe(id: $id) {PAYLOAD}",
    "assignTicket": f"assignTicket(id: $id, assignee: null) {PAYLOAD}",
    "transferTicket": f'transferTicket(id: $id, assigneeGroup: "network-team") {PAYLOAD}',
    "commentTicket": f'commentTicket(id: $id, text: "Hello") {PAYLOAD}',
    "commentTicket (note)": f'commentTicket(id: $id, text: "Hello", internal: true) {PAYLOAD}',
    "publishIncident": "publishIncident(id: $id, title: "
    f'"Payments fail", impact: "Some payments fail.", update: "We are looking.") {PAYLOAD}',
    "withdrawIncident": f"withdrawIncident(id: $id) {PAYLOAD}",
    "updateTicket": f'updateTicket(id: $id, title: "Scanner") {PAYLOAD}',
    "transitionTickets": f"transitionTickets(ids: [$id], to: $to) {RESULTS}",
    "transferTickets": f'transferTickets(ids: [$id], assigneeGroup: "network-team") {RESULTS}',
    "ticketChanged": "subscription ($id: ID!, $after: String)"
    " { ticketChanged(id: $id, after: $after) { position } }",
}
"""Operations on one ticket; a mutation without its variables."""
OTHERS: Final = {
    "catalog": "{ catalog { categories { name } } }",
    "plugins": "{ plugins { name } }",
    "reconcilePlan": '{ reconcilePlan(values: "ticketing: {}") { text } }',
    "tickets": "{ tickets { nodes { id } } }",
    "service": '{ service(path: "acme/shop") { path } }',
    "services": "{ services(first: 1) { path } }",
    "maintenanceWindows": "{ maintenanceWindows(first: 1) { id } }",
    "position": "{ position }",
    "workflowsPosition": "{ workflowsPosition }",
    "viewer": "{ viewer { id } }",
    "people": "{ people(first: 1) { id } }",
    "groups": "{ groups(first: 1) { name } }",
    "webhooks": "{ webhooks { name } }",
    "webhook": '{ webhook(name: "chat") { name } }',
    "workflow": f'{{ workflow(name: "{WORKFLOW}") {{ name }} }}',
    "workflows": "{ workflows { name } }",
    "createTicket": 'mutation { createTicket(title: "Printer", priority: LOW, workflow: '
    f'"{WORKFLOW}") {PAYLOAD} }}',
    "createTicket (for another user)": 'mutation { createTicket(title: "Printer", priority: LOW, '
    f'workflow: "{WORKFLOW}", requester: "u_e3") {PAYLOAD} }}',
    "createTicketFromCatalog": f'mutation {{ createTicketFromCatalog(item: "repair") {PAYLOAD} }}',
    "createTicketFromCatalog (for another user)": "mutation { createTicketFromCatalog("
    f'item: "repair", requester: "u_e3") {PAYLOAD} }}',
    "retryWebhook": 'mutation { retryWebhook(name: "chat") { webhook { name } } }',
    "togglePlugin": 'mutation { togglePlugin(name: "ticketing", enabled: $enabled) '
    "{ plugin { name } } }",
    "ticketsChanged": "subscription ($after: String)"
    " { ticketsChanged(after: $after) { ticket { id } } }",
    "workflowsChanged": "subscription ($after: String)"
    " { workflowsChanged(after: $after) { position } }",
}
DECLARATION: Final[Mapping[str, object]] = {
    "groups": ["network-team", "payment-team"],
    "onBehalf": ["payment-team"],
    "services": [{"path": "acme/shop", "slaGroup": "payment-team", "autoTicket": True}],
    "webhooks": [
        {"name": "chat", "url": "https://hooks.example.com/interlock", "secretName": "chat"}
    ],
    "catalog": {
        "categories": [{"name": "hardware", "displayName": "Hardware"}],
        "items": [
            {
                "name": "repair",
                "displayName": "Repair",
                "category": "hardware",
                "workflow": WORKFLOW,
            }
        ],
    },
}
OWN_WORKFLOW: Final = workflow("loans", {("OPEN", "CLOSED"): "any"})
OFF: Final = 'mutation { togglePlugin(name: "ticketing", enabled: false) { plugin { name } } }'
CILI: Final = Actor("u_e3", "Cili V.", frozenset({"network-team"}))
KEYS: Final = {scope: generate_api_key() for scope in Scope}
CREDENTIALS: Final = {
    "none": {},
    "user": bearer(VIEWERS["stranger"]),
    "admin": bearer(ADA),
    **{f"key: {scope}": {"X-API-Key": key} for scope, key in KEYS.items()},
    "bad token": {"Authorization": "Bearer x.y.z"},
    "bad key": {"X-API-Key": generate_api_key()},
}


@dataclass(frozen=True)
class World:
    """A server with tickets in each status, that may be switched off."""

    client: Client
    database: Database
    is_on: bool
    starts: Mapping[str, str]
    tickets: Mapping[Status, str]

    async def new_ticket(self, status: Status) -> str:
        """Return a ticket to change; the same one while nothing can be changed."""
        if not self.is_on:
            return self.tickets[status]
        return (await ticket_in_state(TicketStore(self.database), WORKFLOW, status)).id

    async def ask(self, viewer: Actor, document: str, variables: Mapping[str, object]) -> Any:  # noqa: ANN401  # JSON
        """Return the response to an operation; for a subscription, its first message."""
        if not document.startswith("subscription"):
            body = {"query": document, "variables": variables}
            async with self.client.post("/graphql", json=body, headers=bearer(viewer)) as response:
                return await response.json()
        async with self.client.ws_connect("/graphql/ws", protocols=(SUBPROTOCOL,)) as opened:
            socket = Socket(opened)
            await socket.initialise(bearer(viewer)["Authorization"])
            await socket.subscribe("a", document, **variables)
            message = await socket.receive()
            payload = message["payload"]
            return {"errors": payload} if message["type"] == "error" else payload

    async def outcome(self, viewer: Actor, name: str, document: str, status: Status) -> str:
        """Return `ok`, the code of the refusal, or `none` if the ticket is not in the response."""
        variables: dict[str, object] = {}
        ticket = self.tickets[status]
        if document.startswith("subscription"):
            variables["after"] = self.starts[name]
        if name in ON_TICKETS and not document.startswith(("query", "subscription")):
            ticket = await self.new_ticket(status)
            target = ", $to: Status!" if "$to" in document else ""
            document = f"mutation ($id: ID!{target}) {{ {document} }}"
            variables |= {"to": NEXT[status]} if target else {}
        if "$id" in document:
            variables["id"] = ticket
        if name == "togglePlugin":
            document = document.replace("$enabled", str(self.is_on).lower())
        if name == "ticketsChanged" and self.is_on:
            await self.ask(viewer, OTHERS["createTicket"], {})
        answer = await self.ask(viewer, document, variables)
        if "errors" in answer:
            return str(answer["errors"][0]["extensions"]["code"])
        [value] = answer["data"].values()
        if isinstance(value, dict) and "results" in value:
            [result] = value["results"]
            return "ok" if result["error"] is None else str(result["error"]["extensions"]["code"])
        if name in {"tickets", "ticketsChanged"}:
            return "ok" if any(each in str(value) for each in self.tickets.values()) else "none"
        return "ok" if value is not None else "null"


@pytest.fixture(
    scope="module",
    params=[(Visibility.EVERYONE, True), (Visibility.INVOLVED, True), (Visibility.EVERYONE, False)],
    ids=["everyone", "involved", "off"],
)
async def world(request: pytest.FixtureRequest, template: str) -> AsyncIterator[World]:
    visibility, is_on = request.param
    entries = tuple(ApiKeyEntry.for_key(key, [scope]) for scope, key in KEYS.items())
    async with new_database(template) as url:
        settings = Settings(database_url=SecretStr(as_server(url)), jwt_secret=SECRET).model_copy(
            update={"api_keys": entries, "limits": NO_RATE_LIMITS}
        )
        async with open_engine(settings) as engine:
            database = engine.database
            await sign_in(database, *VIEWERS.values(), CILI)
            await declare(database, **DECLARATION, visibility=visibility)
            async with (
                open_application_on(engine, settings) as application,
                TestClient(TestServer(application)) as client,
            ):
                headers, query = bearer(ADA), {"query": "{ position workflowsPosition }"}
                response = await client.post("/graphql", json=query, headers=headers)
                start = (await response.json())["data"]
                starts = dict.fromkeys(("ticketChanged", "ticketsChanged"), start["position"])
                starts["workflowsChanged"] = start["workflowsPosition"]
                await put_resources(database, [OWN_WORKFLOW])
                store = TicketStore(database)
                tickets = {
                    status: (await ticket_in_state(store, WORKFLOW, status)).id
                    for status in STATUSES
                }
                world = World(client, database, is_on, starts, tickets)
                if not is_on:
                    await world.ask(ADA, OFF, {})
                yield world


def test_the_matrix_has_every_root_field() -> None:
    schema = build_schema(schema_text(), assume_valid=True)
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    fields = {name for root in roots if root is not None for name in root.fields}
    assert {name.partition(" ")[0] for name in (*ON_TICKETS, *OTHERS)} == fields


async def test_operations(world: World, snapshot: SnapshotAssertion) -> None:
    """The rows are the operations, for those on a ticket in each of its statuses."""
    rows = [["", "", *VIEWERS]]
    for name, document in OTHERS.items():
        cells = [
            await world.outcome(each, name, document, STATUSES[0]) for each in VIEWERS.values()
        ]
        rows.append([name, "", *cells])
    for name, document in ON_TICKETS.items():
        for status in STATUSES if world.is_on else STATUSES[:1]:
            cells = [await world.outcome(each, name, document, status) for each in VIEWERS.values()]
            rows.append([name, status, *cells])
    assert as_table(rows) == snapshot


async def test_routes(world: World, snapshot: SnapshotAssertion) -> None:
    """The rows are the routes with the HTTP status of a request that contains nothing more."""
    rows = [["", *CREDENTIALS]]
    application = world.client.app
    assert application is not None
    for route in application.router.routes():
        path = route.resource.canonical if route.resource else ""
        if route.method != hdrs.METH_HEAD:
            cells = [await status_of(world, route, each) for each in CREDENTIALS.values()]
            rows.append([f"{route.method} {path}", *cells])
    assert as_table(rows) == snapshot


async def status_of(world: World, route: web.AbstractRoute, credentials: Mapping[str, str]) -> str:
    assert route.resource is not None
    ticket = world.tickets[Status.OPEN]
    path = route.resource.canonical.format_map(
        {"id": ticket, "name": WORKFLOW, "item": "repair", "digest": "0", "slug": "payments"}
    )
    method = hdrs.METH_GET if route.method == hdrs.METH_ANY else route.method
    headers = {"Sec-Fetch-Site": "same-origin", **credentials}
    async with world.client.request(
        method, path, headers=headers, allow_redirects=False
    ) as response:
        return str(response.status)


def as_table(rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
