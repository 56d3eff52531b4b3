"""A plugin that is switched off refuses every change from then on, on every server."""

import asyncio
from dataclasses import replace
from enum import StrEnum

import asyncpg
import pytest

from engine.declaration.models import Switch
from engine.errors import PluginDisabled
from engine.plugins import Plugin
from engine.resources.resource import ENABLED, Kind, Resource
from engine.storage.postgres.database import Database
from engine.storage.resources.catalog import read_catalog
from engine.storage.resources.plugins import read_off_reasons, set_plugin_enabled
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import CreateTicketFromCatalog
from engine.tickets.viewer import SYSTEM_VIEWER
from tests.engine.storage.resources.test_catalog import RESOURCES
from tests.support.concurrent_changes import (
    Change,
    before_and_after_preparation,
    comment,
    edit,
    every_change,
    open_ticket,
    pick_up,
    pick_up_others,
    reassign,
    versions,
    with_and_without_a_key,
)
from tests.support.declared_resources import put_resources
from tests.support.lock_gates import Observer
from tests.support.personas import ADA, ANNA

CHANGES = "SELECT plugin, enabled, changed_by FROM plugin_changes ORDER BY id"


class SwitchedBy(StrEnum):
    """What switches ticketing off and on; the value is the reason in errors."""

    ADMIN = "switched_off"
    DECLARATION = "declared_off"


by_admin_and_declaration = pytest.mark.parametrize("switched_by", SwitchedBy)


async def switch(
    database: Database, switched_by: SwitchedBy = SwitchedBy.ADMIN, *, enabled: bool
) -> None:
    if switched_by is SwitchedBy.ADMIN:
        await set_plugin_enabled(database, ADA, Plugin.TICKETING, enabled=enabled)
    else:
        await put_resources(database, [declared(enabled=enabled)])


def declared(*, enabled: bool) -> Resource:
    return Resource.of(Kind.SETTING, ENABLED, Switch(enabled=enabled))


@every_change
@with_and_without_a_key
@by_admin_and_declaration
async def test_changes_are_refused_while_ticketing_is_off(
    store: TicketStore,
    database: Database,
    change: Change,
    key: dict[str, object],
    switched_by: SwitchedBy,
) -> None:
    ticket = await open_ticket(store)
    await switch(database, switched_by, enabled=False)
    with pytest.raises(PluginDisabled) as refused:
        await change(store, ticket, **key)
    assert refused.value.details == {"reason": switched_by, "plugin": "ticketing"}
    assert await versions(database) == {ticket.id: ticket.version}
    await switch(database, switched_by, enabled=True)
    await change(store, ticket, **key)


@pytest.mark.parametrize("change", [pick_up, comment, reassign, edit])
async def test_a_used_key_is_refused_while_ticketing_is_off(
    store: TicketStore, database: Database, change: Change
) -> None:
    ticket = await open_ticket(store)
    first = await change(store, ticket, idempotency_key="k1")
    before = await versions(database)
    await switch(database, enabled=False)
    with pytest.raises(PluginDisabled):
        await change(store, ticket, idempotency_key="k1")
    await switch(database, enabled=True)
    assert await change(store, ticket, idempotency_key="k1") == first
    assert await versions(database) == before


@by_admin_and_declaration
async def test_the_catalog_opens_no_ticket_while_ticketing_is_off(
    store: TicketStore, database: Database, switched_by: SwitchedBy
) -> None:
    await put_resources(database, RESOURCES)
    await switch(database, switched_by, enabled=False)
    command = CreateTicketFromCatalog(item="network_outage")
    with pytest.raises(PluginDisabled):
        await store.create_from_catalog(ANNA, command)
    assert "network_outage" in (await read_catalog(database)).items


@with_and_without_a_key
@before_and_after_preparation
@pytest.mark.parametrize(
    ("switched_by", "gate"),
    [(SwitchedBy.ADMIN, "plugin_changes"), (SwitchedBy.DECLARATION, "settings")],
)
async def test_a_transition_that_waited_until_ticketing_was_off_is_refused(
    store: TicketStore,
    database: Database,
    observer: Observer,
    key: dict[str, object],
    times_before: int,
    switched_by: SwitchedBy,
    gate: str,
) -> None:
    await pick_up_others(store, times_before, key)
    ticket = await open_ticket(store)
    async with observer.closed_gate(gate):
        switching = asyncio.create_task(switch(database, switched_by, enabled=False))
        await observer.wait_until_blocked(1)
        picking_up = asyncio.create_task(pick_up(store, ticket, **key))
        await observer.wait_until_blocked(2)
    await switching
    with pytest.raises(PluginDisabled):
        await picking_up
    assert await read_ticket(database, SYSTEM_VIEWER, ticket.id) == ticket


async def test_switching_off_waits_for_running_changes(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    ticket = await open_ticket(store)
    async with observer.closed_gate("ticket_status_history"):
        picking_up = asyncio.create_task(pick_up(store, ticket))
        await observer.wait_until_blocked(1)
        switching = asyncio.create_task(switch(database, enabled=False))
        await observer.wait_until_looking()
    moved = await picking_up
    await switching
    assert await versions(database) == {ticket.id: moved.version}


async def test_an_admin_cannot_switch_on_a_plugin_that_is_declared_off(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    await switch(database, SwitchedBy.DECLARATION, enabled=False)
    with pytest.raises(PluginDisabled) as refused:
        await switch(database, enabled=True)
    assert refused.value.details == {"reason": "declared_off", "plugin": "ticketing"}
    assert await observer.connection.fetch(CHANGES) == []
    with pytest.raises(PluginDisabled):
        await open_ticket(store)


async def test_ticketing_is_on_if_both_admin_and_declaration_allow_it(
    store: TicketStore, database: Database
) -> None:
    async def reason() -> str | None:
        return (await read_off_reasons(database))[Plugin.TICKETING]

    assert await reason() is None
    await switch(database, enabled=False)
    assert await reason() == "switched_off"
    await switch(database, SwitchedBy.DECLARATION, enabled=False)
    assert await reason() == "declared_off"
    await put_resources(database)
    assert await reason() == "switched_off"
    await switch(database, enabled=True)
    assert await reason() is None
    await open_ticket(store)


async def test_a_retired_setting_does_not_switch_ticketing_off(
    store: TicketStore, database: Database
) -> None:
    off = declared(enabled=False)
    await put_resources(database, [off])
    await put_resources(database, [replace(off, retired=True)])
    await open_ticket(store)


async def test_each_change_of_a_plugin_is_recorded_with_its_actor(
    database: Database, observer: Observer
) -> None:
    for enabled in (True, False, False, True):
        await switch(database, enabled=enabled)
    recorded = await observer.connection.fetch(CHANGES)
    assert [tuple(each) for each in recorded] == [
        ("ticketing", False, "u_a0"),
        ("ticketing", True, "u_a0"),
    ]
    with pytest.raises(asyncpg.RestrictViolationError):
        await observer.connection.execute("DELETE FROM plugin_changes")
