"""Tickets are opened from active catalog items, with their current defaults."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.declaration.models import Ticketing
from engine.errors import IdempotencyConflict, ItemRetired, NotFound, WorkflowRetired
from engine.resources.resource import Key, Kind, declared_resources
from engine.storage.history.audit import audit_histories
from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database
from engine.storage.resources.catalog import read_catalog
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import CreateTicketFromCatalog
from engine.tickets.sla_targets import parse_targets
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from tests.support.concurrent_changes import versions
from tests.support.declared_resources import put_resources
from tests.support.lock_gates import Observer
from tests.support.personas import ANNA

MINUTE = timedelta(minutes=1)
CATALOG = {
    "categories": [
        {"name": "requests", "displayName": "Requests"},
        {"name": "incidents", "displayName": "incidents", "icon": "report_problem"},
    ],
    "items": [
        {
            "name": "network_outage",
            "category": "incidents",
            "displayName": "Network outage",
            "description": "Connectivity or DNS failure",
            "icon": "wifi_off",
            "workflow": "incident_response",
            "defaults": {"priority": "HIGH", "assigneeGroup": "network-team"},
            "sla": {"response": "10m", "resolution": "4h"},
        },
        {
            "name": "data_loss",
            "category": "incidents",
            "displayName": "Data loss",
            "workflow": "incident_response",
        },
    ],
}
DECLARED = declared_resources(Ticketing.model_validate({"catalog": CATALOG}))
RESOURCES = tuple(DECLARED.values())
NETWORK_OUTAGE = DECLARED[Key(Kind.ITEM, "network_outage")]
INCIDENT_RESPONSE = DECLARED[Key(Kind.WORKFLOW, "incident_response")]


@pytest.fixture(autouse=True)
async def catalog(database: Database) -> None:
    await put_resources(database, RESOURCES)


async def open_from(store: TicketStore, item: str = "network_outage", **more: object) -> Ticket:
    return await store.create_from_catalog(ANNA, CreateTicketFromCatalog.parse(item=item, **more))


async def test_a_ticket_gets_the_defaults_of_its_item(
    store: TicketStore, database: Database
) -> None:
    ticket = await open_from(store, title="No DNS", description="Since noon")
    assert (ticket.title, ticket.description) == ("No DNS", "Since noon")
    assert (ticket.priority, ticket.workflow) == ("HIGH", "incident_response")
    assert (ticket.requester, ticket.assignee) == (ANNA.id, None)
    assert (ticket.assignee_group, ticket.item) == ("network-team", "network_outage")
    assert await read_ticket(database, SYSTEM_VIEWER, ticket.id) == ticket
    assert [flaw async for _, flaw in audit_histories(database)] == [None]


async def test_an_item_without_defaults_uses_those_of_the_system(store: TicketStore) -> None:
    ticket = await open_from(store, "data_loss")
    assert (ticket.title, ticket.description) == ("Data loss", "")
    assert (ticket.priority, ticket.assignee_group) == ("MEDIUM", None)


async def test_a_ticket_has_the_sla_targets_of_its_item_or_priority(
    store: TicketStore, database: Database
) -> None:
    found: dict[str, tuple[object, ...]] = {}
    for item in ("network_outage", "data_loss"):
        ticket = await open_from(store, item)
        [opening] = (await read_histories(database, [ticket.id]))[ticket.id]
        targets = parse_targets(opening.details)
        assert targets is not None
        found[item] = (targets.response, targets.resolution, targets.origin)
    assert found == {
        "network_outage": (10 * MINUTE, 240 * MINUTE, "the catalog item network_outage"),
        "data_loss": (120 * MINUTE, 24 * 60 * MINUTE, "the priority MEDIUM"),
    }


async def test_an_unknown_or_retired_item_opens_no_ticket(
    store: TicketStore, database: Database
) -> None:
    with pytest.raises(NotFound, match="Did you mean 'network_outage'"):
        await open_from(store, "network_outrage")
    await put_resources(database, [replace(NETWORK_OUTAGE, retired=True)])
    with pytest.raises(ItemRetired) as refused:
        await open_from(store)
    assert refused.value.details == {"reason": "item_retired", "item": "network_outage"}
    await put_resources(database, [replace(INCIDENT_RESPONSE, retired=True)])
    with pytest.raises(WorkflowRetired):
        await open_from(store, "data_loss")
    assert await versions(database) == {}


async def test_one_key_opens_one_ticket(store: TicketStore) -> None:
    first = await open_from(store, idempotency_key="k1")
    assert await open_from(store, idempotency_key="k1") == first
    with pytest.raises(IdempotencyConflict):
        await open_from(store, "data_loss", idempotency_key="k1")


async def test_a_request_that_waited_for_a_reconciliation_uses_the_new_item(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    async with observer.closed_gate("catalog_items"):
        retiring = asyncio.create_task(
            put_resources(database, [replace(NETWORK_OUTAGE, retired=True)])
        )
        await observer.wait_until_blocked(1)
        opening_ticket = asyncio.create_task(open_from(store))
        await observer.wait_until_blocked(2)
    await retiring
    with pytest.raises(ItemRetired):
        await opening_ticket


async def test_the_catalog_is_ordered_by_display_name(
    database: Database,
) -> None:
    await put_resources(database, [replace(NETWORK_OUTAGE, retired=True)])
    catalog = await read_catalog(database)
    assert [
        (each.category.name, [item.name for item in each.items]) for each in catalog.categories
    ] == [("incidents", ["data_loss"]), ("requests", [])]
    assert catalog.named("network_outage").retired
    with pytest.raises(NotFound, match="Did you mean 'data_loss'"):
        catalog.named("data_los")
