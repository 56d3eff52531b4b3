"""The OpenAPI document describes every route of the REST API, and the server behaves as described.

`test_fuzz` compares bodies and statuses with the document.
"""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.bootstrap.application import open_application_on
from api.bootstrap.engine import EngineHandle
from api.http.access import ApiKeyAccess, allow_anyone, require_user
from api.http.app_keys import ACCESS
from api.http.etags import ETAGS_PATTERN
from api.http.idempotency_key import KEY_PATTERN
from api.http.middlewares import REQUEST_ID_PATTERN
from api.http.paths import PROBE_PATHS
from api.limits_setting import read_limits
from api.rest.openapi import _MODELS, OPENAPI_PATH
from api.settings import Settings
from engine.tickets.ticket import TICKET_ID_PATTERN
from engine.workflows.explanation import Reason
from tests.docs.test_errors_page import codes
from tests.support.api_client import KEY, Client, SharedApplication, bearer
from tests.support.paths import DOCS
from tests.support.personas import ANNA, MARTON

Json = dict[str, Any]
OPERATION = re.compile(r"`([A-Z]+ /[^`]+)`")
REST_PREFIX = "/api/v1/"
PROBLEM_JSON = "application/problem+json"
PLAIN_NAME = re.compile(r"([A-Z][a-z]+)+")


@pytest.fixture
def client(shared: SharedApplication) -> Client:
    return shared.client


@pytest.fixture
async def document(client: Client) -> Json:
    async with client.get(OPENAPI_PATH) as response:
        assert (response.status, response.content_type) == (200, "application/json")
        document: Json = await response.json()
        return document


def resolved(document: Json, node: Json) -> Json:
    """Return a node of the document in place of a reference to it."""
    if "$ref" not in node:
        return node
    target: Any = document
    for key in node["$ref"].split("/")[1:]:
        target = target[key]
    return {**resolved(document, target), **{k: v for k, v in node.items() if k != "$ref"}}


def operations(document: Json) -> dict[str, Json]:
    """Return the operations by method and path, their responses in place of references."""
    return {
        f"{method.upper()} {path}": operation
        | {
            "responses": {
                int(status): resolved(document, response)
                for status, response in operation["responses"].items()
            }
        }
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def rest_routes(application: web.Application) -> dict[str, web.AbstractRoute]:
    """Return the routes by method and path, without HEAD, which comes with GET."""
    return {
        f"{route.method} {route.resource.canonical}": route
        for route in application.router.routes()
        if route.resource is not None
        and (
            route.resource.canonical.startswith(REST_PREFIX)
            or route.resource.canonical in PROBE_PATHS
        )
        and route.method != "HEAD"
    }


async def test_the_document_is_valid(document: Json) -> None:
    OpenAPIV31SpecValidator(document).validate()


async def test_the_document_has_every_route_and_no_other(client: Client, document: Json) -> None:
    assert client.app is not None
    assert set(operations(document)) == set(rest_routes(client.app))


async def test_the_rest_page_lists_every_operation(document: Json) -> None:
    lines = (DOCS / "rest.md").read_text("utf-8").splitlines()
    listed = {name for line in lines for name in OPERATION.findall(line.partition("](")[0])}
    assert listed == set(operations(document))


async def test_operations_require_the_credentials_of_their_routes(
    client: Client, document: Json
) -> None:
    assert client.app is not None
    routes, described = rest_routes(client.app), operations(document)
    for name, operation in described.items():
        access = client.app[ACCESS].get(routes[name], require_user)
        if isinstance(access, ApiKeyAccess):
            assert operation["security"] == [{"key": [access.scope]}], name
            assert {401, 403} <= set(operation["responses"]), name
        elif access is require_user:
            assert operation["security"] == [{"token": []}], name
            assert 401 in operation["responses"], name
        else:
            assert access is allow_anyone
            assert operation["security"] == [], name
    public = {name.split()[1] for name, each in described.items() if not each["security"]}
    assert public == {*PROBE_PATHS, OPENAPI_PATH, "/api/v1/status"}
    of_users = [name for name, each in described.items() if each["security"] == [{"token": []}]]
    assert all(re.search("/(tickets|users|groups)", name) for name in of_users)


async def test_operations_describe_their_errors(document: Json) -> None:
    known_codes = codes()
    for name, operation in operations(document).items():
        responses = operation["responses"]
        is_probe = name.split()[1] in PROBE_PATHS
        assert ({500} if is_probe else {429, 500, 503}) <= set(responses), name
        if "requestBody" in operation:
            assert {400, 413, 415} <= set(responses), name
        if operation.get("parameters"):
            assert 400 in responses, name
        for status, response in responses.items():
            if status >= 400:
                assert list(response["content"]) == [PROBLEM_JSON], name
                described = re.findall(r"`(\w+)`", response["description"])
                assert described, name
                assert {(code, str(status)) for code in described} <= known_codes, name


async def test_operation_ids_are_unique_and_links_lead_to_operations(document: Json) -> None:
    described = operations(document).values()
    names = [operation["operationId"] for operation in described]
    assert len(names) == len(set(names))
    linked = [
        link["operationId"]
        for operation in described
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert linked
    assert set(linked) <= set(names)


def schemas_in(node: object) -> Iterator[Json]:
    """Yield every schema of an object with properties, also those within others."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield node
        for name, each in node.items():
            if name not in {"if", "then", "else"}:  # conditions, not types
                yield from schemas_in(each)
    elif isinstance(node, list):
        for each in node:
            yield from schemas_in(each)


async def test_every_schema_has_a_plain_name_which_is_also_its_title(document: Json) -> None:
    schemas = document["components"]["schemas"]
    assert [name for name in schemas if not PLAIN_NAME.fullmatch(name)] == []
    assert {name: each["title"] for name, each in schemas.items()} == {n: n for n in schemas}
    assert len({name.casefold() for name in schemas}) == len(schemas)


async def test_generators_of_clients_need_not_invent_names(document: Json) -> None:
    named = document["components"]["schemas"].values()
    assert [each for each in schemas_in(document) if each not in named] == []
    assert not any("oneOf" in each or "allOf" in each for each in named)


async def test_every_operation_has_one_described_tag(document: Json) -> None:
    used = [operation["tags"] for operation in operations(document).values()]
    assert all(len(tags) == 1 for tags in used)
    assert {tag for tags in used for tag in tags} == {each["name"] for each in document["tags"]}
    assert all(each["description"] for each in document["tags"])
    assert [each["url"] for each in document["servers"]] == ["/"]


async def test_every_property_has_a_description(document: Json) -> None:
    undescribed = [
        f"{name}.{property_name}"
        for name, schema in document["components"]["schemas"].items()
        for property_name, described in schema.get("properties", {}).items()
        if "description" not in described
    ]
    assert undescribed == []


async def test_the_document_refers_to_every_schema(document: Json) -> None:
    assert {model.__name__ for model in _MODELS} <= set(document["components"]["schemas"])
    references = set(re.findall(r"components/schemas/(\w+)", str(document)))
    assert references == set(document["components"]["schemas"])


async def test_patterns_and_reasons_are_those_of_the_code(document: Json) -> None:
    components = document["components"]
    patterns = {
        name: each["schema"]["pattern"]
        for kind in ("headers", "parameters")
        for name, each in components[kind].items()
        if "pattern" in each["schema"] and not name.startswith("RateLimit")
    }
    assert patterns == {
        "X-Request-ID": f"^{REQUEST_ID_PATTERN}$",
        "TicketId": f"^{TICKET_ID_PATTERN.pattern}$",
        "IfMatch": ETAGS_PATTERN,
        "IfNoneMatch": ETAGS_PATTERN,
        "IdempotencyKey": KEY_PATTERN,
    }
    reasons = components["schemas"]["ForbiddenTransition"]["properties"]["reason"]["enum"]
    assert set(reasons) == set(Reason) - {Reason.ALLOWED}


async def test_bodies_require_the_properties_that_the_document_requires(
    client: Client, document: Json
) -> None:
    ticket = await new_ticket(client)
    for name, operation in operations(document).items():
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            continue
        schema = content["application/json"]["schema"]
        schema = resolved(document, schema.get("anyOf", [schema])[0])
        method, path = name.format(id=ticket).split()
        headers = SIGNED_IN | WITH_KEY
        async with client.request(method, path, json={"zzz": 1}, headers=headers) as response:
            problems = (await response.json(content_type=None))["problems"]
        missing = {f"$.{each}" for each in schema.get("required", ())}
        unknown = set() if schema.get("additionalProperties", True) else {"$.zzz"}
        assert {each["path"] for each in problems} == missing | unknown, name


UNDOCUMENTED_HEADERS = frozenset(
    {
        *("Cache-Control", "Connection", "Content-Length", "Content-Type", "Date"),
        *("Keep-Alive", "Server", "Transfer-Encoding"),
        *("Content-Security-Policy", "Cross-Origin-Resource-Policy", "Referrer-Policy"),
        "X-Content-Type-Options",
    }
)
"""Headers that HTTP libraries handle by themselves, and those for browsers."""
TICKETS = "/api/v1/tickets"
TICKET = "/api/v1/tickets/{id}"
SIGNED_IN = bearer(ANNA)
WITH_KEY = {"X-API-Key": KEY}
NEW_TICKET = {"title": "Payments fail", "workflow": "incident_response"}


@dataclass(frozen=True)
class Example:
    """A request by its path in the document, and the status of the response."""

    status: int
    method: str
    path: str
    body: Json | None = None
    headers: dict[str, str] = field(default_factory=lambda: SIGNED_IN)


EXAMPLES = [
    Example(200, "GET", "/livez", headers={}),
    Example(200, "GET", "/health", headers={}),
    Example(200, "GET", "/readyz", headers={}),
    Example(200, "GET", "/ready", headers={}),
    Example(200, "GET", "/metrics", headers={}),
    Example(200, "GET", OPENAPI_PATH, headers={}),
    Example(200, "GET", TICKETS),
    Example(422, "GET", f"{TICKETS}?first=101"),
    Example(201, "POST", TICKETS, NEW_TICKET),
    Example(400, "POST", TICKETS, {"title": ""}),
    Example(401, "POST", TICKETS, NEW_TICKET, headers={}),
    Example(401, "POST", TICKETS, NEW_TICKET, headers={"Authorization": "Bearer a.b.c"}),
    Example(404, "POST", TICKETS, NEW_TICKET | {"workflow": "no_such"}),
    Example(415, "POST", TICKETS),
    Example(200, "GET", TICKET),
    Example(304, "GET", TICKET, headers=SIGNED_IN | {"If-None-Match": "*"}),
    Example(403, "POST", f"{TICKET}/transitions", {"to": "RESOLVED"}),
    Example(200, "POST", f"{TICKET}/comments", {"text": "It still fails."}),
    Example(412, "POST", f"{TICKET}/comments", {"text": "?"}, SIGNED_IN | {"If-Match": '"99"'}),
    Example(200, "PUT", f"{TICKET}/assignee", {"assignee": "u_c4"}),
    Example(200, "PUT", f"{TICKET}/assignee", {"assignToMe": True}),
    Example(200, "POST", f"{TICKET}/start", {"comment": "I look into it"}),
    Example(200, "PUT", f"{TICKET}/assignee-group", {"assigneeGroup": "network-team"}),
    Example(400, "PUT", f"{TICKET}/assignee", {"assignee": "u_zz"}),
    Example(200, "GET", "/api/v1/users", headers=bearer(MARTON)),
    Example(200, "GET", "/api/v1/groups", headers=bearer(MARTON)),
    Example(403, "GET", "/api/v1/users"),
    Example(200, "GET", "/api/v1/templates/export", headers=WITH_KEY),
    Example(401, "GET", "/api/v1/templates/export", headers={}),
    Example(404, "POST", "/api/v1/registry/reload", headers=WITH_KEY),
    Example(404, "POST", "/api/v1/health/report", {"path": "no/such", "status": "DOWN"}, WITH_KEY),
    Example(400, "POST", "/api/v1/alerts/alertmanager", {}, WITH_KEY),
    Example(404, "GET", "/api/v1/status", headers={}),
    Example(200, "GET", "/api/v1/maintenance", headers=WITH_KEY),
    Example(400, "POST", "/api/v1/maintenance", {"text": "Upgrade"}, WITH_KEY),
    Example(404, "POST", "/api/v1/maintenance/{id}/cancel", headers=WITH_KEY),
    Example(415, "POST", "/api/v1/templates/import", {}, WITH_KEY),
]


@pytest.fixture
async def limited_client(engine: EngineHandle, settings: Settings) -> AsyncIterator[Client]:
    limits = read_limits("viewer_rate=0.001 viewer_burst=1")
    limited = settings.model_copy(update={"limits": limits})
    async with (
        open_application_on(engine, limited) as application,
        TestClient(TestServer(application)) as opened,
    ):
        yield opened


async def new_ticket(client: Client) -> str:
    async with client.post(TICKETS, json=NEW_TICKET, headers=SIGNED_IN) as response:
        return str((await response.json())["id"])


async def documented_headers(client: Client, example: Example) -> CIMultiDict[Json]:
    """Return the headers that the document has for a response."""
    async with client.get(OPENAPI_PATH) as response:
        document = await response.json()
    operation = operations(document)[f"{example.method} {example.path.partition('?')[0]}"]
    headers = operation["responses"][example.status]["headers"]
    return CIMultiDict({name: resolved(document, header) for name, header in headers.items()})


def assert_documented(response: ClientResponse, headers: CIMultiDict[Json]) -> None:
    sent = [name for name in response.headers if name not in UNDOCUMENTED_HEADERS]
    assert [name for name in sent if name not in headers] == []
    for name, header in headers.items():
        assert name in response.headers or not header["required"], name
        if "pattern" in header["schema"] and name in response.headers:
            for value in (response.headers[name], header["example"]):
                assert re.search(header["schema"]["pattern"], value), name


async def test_every_operation_has_an_example(document: Json) -> None:
    examples = {f"{each.method} {each.path.partition('?')[0]}" for each in EXAMPLES}
    assert set(operations(document)) == examples


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda each: f"{each.status} {each.method} {each.path}"
)
async def test_responses_have_the_documented_headers(client: Client, example: Example) -> None:
    path = example.path.format(id=await new_ticket(client))
    async with client.request(
        example.method, path, json=example.body, headers=example.headers
    ) as response:
        assert response.status == example.status, await response.text()
        assert_documented(response, await documented_headers(client, example))


async def test_a_rate_limited_client_learns_when_to_retry(limited_client: Client) -> None:
    example = Example(429, "GET", TICKET)
    path = example.path.format(id=await new_ticket(limited_client))
    async with limited_client.get(path, headers=SIGNED_IN) as response:
        assert response.status == example.status
        assert int(response.headers["Retry-After"]) > 0
        assert '"viewer";r=0;t=' in response.headers["RateLimit"]
        assert_documented(response, await documented_headers(limited_client, example))


@pytest.mark.parametrize("path", sorted(PROBE_PATHS))
async def test_probes_report_no_rate_limit(client: Client, path: str) -> None:
    headers = await documented_headers(client, Example(200, "GET", path))
    assert not {"RateLimit", "RateLimit-Policy"} & set(headers)
