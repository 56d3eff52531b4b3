"""The OpenAPI document is valid, public, and tells of every route but those of GraphQL."""

import re
from typing import Any

import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.graphql.transport import endpoint, sse, websocket
from api.graphql.transport.sdl_route import SCHEMA_PATH
from api.http.paths import PROBE_PATHS
from api.rest.openapi.document import DOCUMENT_PATH
from api.web.explorer.routes import FILE_PATH
from tests.support.api_client import Client, SharedApplication
from tests.support.paths import DOCS

Json = dict[str, Any]
ASKED = re.compile(r"`([A-Z]+ /[^`]+)`")
NO_REST = frozenset({endpoint.PATH, SCHEMA_PATH, sse.PATH, websocket.PATH, FILE_PATH})
"""Routes of those who speak GraphQL, and of their browsers."""


@pytest.fixture
def client(shared: SharedApplication) -> Client:
    return shared.client


@pytest.fixture
async def document(client: Client) -> Json:
    async with client.get(DOCUMENT_PATH) as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        found: Json = await answer.json()
        return found


def operations(document: Json) -> dict[str, Json]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def routes(application: web.Application) -> set[str]:
    """Return every route but those; HEAD comes with GET (RFC 9110), and is not told."""
    return {
        f"{route.method} {route.resource.canonical}"
        for route in application.router.routes()
        if route.resource is not None
        and route.resource.canonical not in NO_REST
        and route.method != "HEAD"
    }


async def test_it_is_valid(document: Json) -> None:
    OpenAPIV31SpecValidator(document).validate()


async def test_it_tells_of_every_route(client: Client, document: Json) -> None:
    assert client.app is not None
    assert set(operations(document)) == routes(client.app)


async def test_the_page_has_every_operation(document: Json) -> None:
    lines = (DOCS / "rest.md").read_text("utf-8").splitlines()
    listed = {asked for line in lines for asked in ASKED.findall(line.partition("](")[0])}
    assert listed == set(operations(document))


async def test_every_operation_says_who_may_do_it_and_how_it_is_refused(document: Json) -> None:
    for asked, operation in operations(document).items():
        statuses = set(operation["responses"])
        is_probe = asked.partition(" ")[2] in PROBE_PATHS
        assert ({"500"} if is_probe else {"429", "500", "503"}) <= statuses
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], asked
        match operation["security"]:
            case [{"token": []}]:
                assert "401" in statuses
                assert "/tickets" in asked
            case [{"key": [_]}]:
                assert {"401", "403"} <= statuses
            case security:
                assert security == []
                assert is_probe or asked == f"GET {DOCUMENT_PATH}"
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= statuses


async def test_names_are_unique_and_links_lead_somewhere(document: Json) -> None:
    named = operations(document).values()
    names = [operation["operationId"] for operation in named]
    assert len(names) == len(set(names))
    linked = [
        link["operationId"]
        for operation in named
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert linked
    assert set(linked) <= set(names)


async def test_every_field_of_ours_is_described(document: Json) -> None:
    schemas = document["components"]["schemas"]
    undescribed = [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, told in schema.get("properties", {}).items()
        if "description" not in told
    ]
    assert undescribed == []
