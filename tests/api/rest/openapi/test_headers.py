"""Whatever header a client may rely on is declared, and sent as it is declared."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict

from api.bootstrap.application import open_application_on
from api.bootstrap.engine import Engine
from api.limits_setting import read_limits
from api.rest.openapi.document import DOCUMENT_PATH
from api.settings import Settings
from tests.support.api_client import KEY, Client, SharedApplication, bearer
from tests.support.people import ANNA

Json = dict[str, Any]
UNDECLARED = frozenset(
    {
        *("Cache-Control", "Connection", "Content-Length", "Content-Type", "Date"),
        *("Keep-Alive", "Server", "Transfer-Encoding"),
        *("Content-Security-Policy", "Cross-Origin-Resource-Policy", "Referrer-Policy"),
        "X-Content-Type-Options",
    }
)
"""What libraries of HTTP heed by themselves, and what only browsers do."""
TICKETS = "/api/v1/tickets"
TICKET = "/api/v1/tickets/{id}"
SIGNED_IN = bearer(ANNA)
WITH_KEY = {"X-API-Key": KEY}
NEW = {"title": "Payments fail", "workflow": "incident_response"}


@dataclass(frozen=True)
class Ask:
    """A request by its place in the document, and the status of its answer."""

    status: int
    method: str
    path: str
    body: Json | None = None
    headers: dict[str, str] = field(default_factory=lambda: SIGNED_IN)


ASKED = [
    Ask(200, "GET", "/livez", headers={}),
    Ask(200, "GET", "/readyz", headers={}),
    Ask(200, "GET", "/metrics", headers={}),
    Ask(200, "GET", DOCUMENT_PATH, headers={}),
    Ask(201, "POST", TICKETS, NEW),
    Ask(400, "POST", TICKETS, {"title": ""}),
    Ask(401, "POST", TICKETS, NEW, headers={}),
    Ask(401, "POST", TICKETS, NEW, headers={"Authorization": "Bearer a.b.c"}),
    Ask(404, "POST", TICKETS, NEW | {"workflow": "no_such"}),
    Ask(415, "POST", TICKETS),
    Ask(200, "GET", TICKET),
    Ask(304, "GET", TICKET, headers=SIGNED_IN | {"If-None-Match": "*"}),
    Ask(403, "POST", f"{TICKET}/transitions", {"to": "RESOLVED"}),
    Ask(200, "POST", f"{TICKET}/comments", {"text": "Still so."}),
    Ask(412, "POST", f"{TICKET}/comments", {"text": "?"}, SIGNED_IN | {"If-Match": '"99"'}),
    Ask(200, "PUT", f"{TICKET}/assignee", {"assignee": "u_c4"}),
    Ask(200, "GET", "/api/v1/templates/export", headers=WITH_KEY),
    Ask(401, "GET", "/api/v1/templates/export", headers={}),
    Ask(404, "POST", "/api/v1/registry/reload", headers=WITH_KEY),
    Ask(404, "POST", "/api/v1/health/report", {"path": "no/such", "status": "DOWN"}, WITH_KEY),
    Ask(400, "POST", "/api/v1/alerts/alertmanager", {}, WITH_KEY),
    Ask(415, "POST", "/api/v1/templates/import", {}, WITH_KEY),
]


@pytest.fixture
def client(shared: SharedApplication) -> Client:
    return shared.client


@pytest.fixture
async def hurried(engine: Engine, settings: Settings) -> AsyncIterator[Client]:
    limits = read_limits("viewer_rate=0.001 viewer_burst=1")
    tight = settings.model_copy(update={"limits": limits})
    async with (
        open_application_on(engine, tight) as application,
        TestClient(TestServer(application)) as opened,
    ):
        yield opened


async def a_ticket(client: Client) -> str:
    async with client.post(TICKETS, json=NEW, headers=SIGNED_IN) as answer:
        return str((await answer.json())["id"])


async def declared(client: Client, ask: Ask) -> CIMultiDict[Json]:
    """Return what the document says of the headers of an answer."""
    async with client.get(DOCUMENT_PATH) as answer:
        document = await answer.json()
    told = document["paths"][ask.path][ask.method.lower()]["responses"][str(ask.status)]
    return CIMultiDict(
        {name: resolved(document, header) for name, header in told["headers"].items()}
    )


def resolved(document: Json, header: Json) -> Json:
    """Return a header that may be told by reference only."""
    for key in header.get("$ref", "#").split("/")[1:]:
        document = document[key]
    return document if "$ref" in header else header


def assert_as_declared(answer: ClientResponse, headers: CIMultiDict[Json]) -> None:
    sent = {name: value for name, value in answer.headers.items() if name not in UNDECLARED}
    assert [name for name in sent if name not in headers] == []
    for name, header in headers.items():
        assert name in answer.headers or not header["required"], name
        if "pattern" in header["schema"] and name in answer.headers:
            for value in (answer.headers[name], header["example"]):
                assert re.search(header["schema"]["pattern"], value), name


async def test_every_operation_is_asked_here(client: Client) -> None:
    async with client.get(DOCUMENT_PATH) as answer:
        paths = (await answer.json())["paths"]
    operations = {(method.upper(), path) for path, item in paths.items() for method in item}
    assert operations == {(ask.method, ask.path) for ask in ASKED}


@pytest.mark.parametrize("ask", ASKED, ids=lambda ask: f"{ask.status} {ask.method} {ask.path}")
async def test_an_answer_has_the_headers_that_are_declared(client: Client, ask: Ask) -> None:
    path = ask.path.format(id=await a_ticket(client))
    async with client.request(ask.method, path, json=ask.body, headers=ask.headers) as answer:
        assert answer.status == ask.status, await answer.text()
        assert_as_declared(answer, await declared(client, ask))


async def test_whoever_asks_too_often_is_told_when_to_ask_again(hurried: Client) -> None:
    ask = Ask(429, "GET", TICKET)
    path = ask.path.format(id=await a_ticket(hurried))
    async with hurried.get(path, headers=SIGNED_IN) as answer:
        assert answer.status == ask.status
        assert int(answer.headers["Retry-After"]) > 0
        assert '"viewer";r=0;t=' in answer.headers["RateLimit"]
        assert_as_declared(answer, await declared(hurried, ask))


@pytest.mark.parametrize("path", ["/livez", "/health", "/readyz", "/ready", "/metrics"])
async def test_no_share_is_told_to_the_platform(client: Client, path: str) -> None:
    headers = await declared(client, Ask(200, "GET", path))
    assert not {"RateLimit", "RateLimit-Policy"} & set(headers)
