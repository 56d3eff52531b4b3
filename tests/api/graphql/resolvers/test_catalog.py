"""The service catalog in the GraphQL API, and tickets from it."""

from dataclasses import replace

import pytest

from api.bootstrap.engine import EngineHandle
from engine.limits import TITLE_CHARACTERS
from engine.resources.resource import Resource
from engine.storage.postgres.database import Database
from tests.engine.storage.resources.test_catalog import INCIDENT_RESPONSE, NETWORK_OUTAGE, RESOURCES
from tests.support.api_client import Api
from tests.support.declared_resources import put_resources
from tests.support.personas import ANNA

CATALOG = """
{
  catalog { categories {
    name displayName icon
    items {
      name displayName description icon workflow retired
      defaults { priority assigneeGroup } sla { response resolution }
    }
  } }
}
"""
CREATE_FROM_CATALOG = """
mutation ($item: ID!, $title: String, $description: String, $key: String) {
  createTicketFromCatalog(
    item: $item, title: $title, description: $description, idempotencyKey: $key
  ) { ticket {
    id title description priority status workflow assigneeGroup
    requester { id } assignee { id } catalogItem { name displayName retired }
  } }
}
"""
CATALOG_ITEM = "query ($id: ID!) { ticket(id: $id) { catalogItem { name retired } } }"


@pytest.fixture(autouse=True)
async def catalog(database: Database) -> None:
    """Declare a catalog before the server starts."""
    await put_resources(database, RESOURCES)


async def test_the_catalog_is_returned(api: Api) -> None:
    requests: dict[str, object] = {
        "name": "requests",
        "displayName": "Requests",
        "icon": None,
        "items": [],
    }
    outage = {
        "name": "network_outage",
        "displayName": "Network outage",
        "description": "Connectivity or DNS failure",
        "icon": "wifi_off",
        "workflow": "incident_response",
        "retired": False,
        "defaults": {"priority": "HIGH", "assigneeGroup": "network-team"},
        "sla": {"response": "10m", "resolution": "4h"},
    }
    loss = {
        "name": "data_loss",
        "displayName": "Data loss",
        "description": "",
        "icon": None,
        "workflow": "incident_response",
        "retired": False,
        "defaults": {"priority": "MEDIUM", "assigneeGroup": None},
        "sla": None,
    }
    incidents = {"name": "incidents", "displayName": "incidents", "icon": "report_problem"}
    assert (await api.data(ANNA, CATALOG))["catalog"] == {
        "categories": [incidents | {"items": [loss, outage]}, requests]
    }


async def test_a_ticket_has_the_values_of_its_item(api: Api) -> None:
    created = await api.data(
        ANNA, CREATE_FROM_CATALOG, item="network_outage", description="Since noon"
    )
    ticket = created["createTicketFromCatalog"]["ticket"]
    assert ticket == {
        "id": ticket["id"],
        "title": "Network outage",
        "description": "Since noon",
        "priority": "HIGH",
        "status": "OPEN",
        "workflow": "incident_response",
        "assigneeGroup": "network-team",
        "requester": {"id": ANNA.id},
        "assignee": None,
        "catalogItem": {
            "name": "network_outage",
            "displayName": "Network outage",
            "retired": False,
        },
    }


async def test_a_ticket_created_without_an_item_has_none(api: Api) -> None:
    create = """
    mutation { createTicket(title: "T", workflow: "incident_response") {
      ticket { catalogItem { name } } } }
    """
    created = await api.data(ANNA, create)
    assert created["createTicket"]["ticket"] == {"catalogItem": None}


REFUSED: dict[str, tuple[list[Resource], dict[str, object], dict[str, object]]] = {
    "an unknown item": (
        [],
        {"item": "network_outrage"},
        {"code": "not_found", "status": 404, "item": "network_outrage"},
    ),
    "a retired item": (
        [replace(NETWORK_OUTAGE, retired=True)],
        {},
        {"code": "item_retired", "status": 403, "reason": "item_retired"},
    ),
    "a retired workflow": (
        [replace(INCIDENT_RESPONSE, retired=True)],
        {},
        {"code": "workflow_retired", "status": 403, "workflow": "incident_response"},
    ),
    "a title that is too long": (
        [],
        {"title": (TITLE_CHARACTERS + 1) * "x"},
        {"code": "invalid_input", "status": 400}
        | {"problems": [{"field": "title", "message": "must have at most 200 characters"}]},
    ),
    "an empty title": ([], {"title": " "}, {"code": "invalid_input", "status": 400}),
}


@pytest.mark.parametrize(("declared", "variables", "expected"), REFUSED.values(), ids=REFUSED)
async def test_a_refused_request_has_a_reason(
    api: Api,
    engine: EngineHandle,
    declared: list[Resource],
    variables: dict[str, object],
    expected: dict[str, object],
) -> None:
    await put_resources(engine.database, declared)
    refused = await api.refusal(ANNA, CREATE_FROM_CATALOG, **{"item": "network_outage"} | variables)
    assert refused | expected == refused
    listed = await api.data(ANNA, "{ tickets { nodes { id } } }")
    assert listed["tickets"]["nodes"] == []


async def test_one_key_opens_one_ticket(api: Api) -> None:
    first = await api.data(ANNA, CREATE_FROM_CATALOG, item="network_outage", key="k1")
    assert await api.data(ANNA, CREATE_FROM_CATALOG, item="network_outage", key="k1") == first


async def test_other_values_cannot_be_set(api: Api) -> None:
    query = """
    mutation { createTicketFromCatalog(item: "network_outage", priority: LOW) { ticket { id } } }
    """
    assert (await api.refusal(ANNA, query))["code"] == "graphql_validation_failed"


async def test_the_catalog_follows_reconciliations(api: Api, engine: EngineHandle) -> None:
    created = await api.data(ANNA, CREATE_FROM_CATALOG, item="network_outage")
    ticket = created["createTicketFromCatalog"]["ticket"]["id"]
    await put_resources(engine.database, [replace(NETWORK_OUTAGE, retired=True)])
    while "network_outage" in str(await api.data(ANNA, CATALOG)):
        await engine.database.check()
    item = (await api.data(ANNA, CATALOG_ITEM, id=ticket))["ticket"]["catalogItem"]
    assert item == {"name": "network_outage", "retired": True}
    await put_resources(engine.database, [NETWORK_OUTAGE])
    while "network_outage" not in str(await api.data(ANNA, CATALOG)):
        await engine.database.check()


async def test_a_new_item_can_be_used_at_once(api: Api, engine: EngineHandle) -> None:
    renamed = NETWORK_OUTAGE.declaration.replace("network_outage", "router_outage")
    key = NETWORK_OUTAGE.key._replace(name="router_outage")
    await put_resources(engine.database, [replace(NETWORK_OUTAGE, key=key, declaration=renamed)])
    created = await api.data(ANNA, CREATE_FROM_CATALOG, item="router_outage")
    ticket = created["createTicketFromCatalog"]["ticket"]
    assert ticket["catalogItem"]["name"] == "router_outage"
