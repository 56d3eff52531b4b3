"""The switch of a plugin is in force for every change from its commit on, on every server."""

import asyncio

import asyncpg
import pytest

from engine.errors import PluginDisabled
from engine.plugins import Plugin
from engine.storage.catalog import read_catalog
from engine.storage.database import Database
from engine.storage.plugins import turn_switch
from engine.storage.ticket_reads import read_ticket
from engine.storage.ticket_store import TicketStore
from engine.tickets.requests import CreateTicketFromCatalog
from engine.tickets.viewer import EVERYTHING
from tests.declared import put
from tests.engine.storage.changes import (
    Change,
    at_first_and_long_after,
    comment,
    edit,
    every_change,
    everything,
    hand_over,
    open_ticket,
    pick_up,
    pick_up_others,
    with_and_without_a_key,
)
from tests.engine.storage.test_catalog import RESOURCES
from tests.gates import Observer
from tests.people import ADA, ANNA

CHANGES = "SELECT plugin, enabled, changed_by FROM plugin_changes ORDER BY id"


async def switch(database: Database, *, enabled: bool) -> None:
    await turn_switch(database, ADA, Plugin.TICKETING, enabled=enabled)


@every_change
@with_and_without_a_key
async def test_while_it_is_off_no_change_happens_and_then_it_does(
    store: TicketStore, database: Database, change: Change, key: dict[str, object]
) -> None:
    ticket = await open_ticket(store)
    await switch(database, enabled=False)
    with pytest.raises(PluginDisabled) as refused:
        await change(store, ticket, **key)
    assert refused.value.details == {"reason": "switched_off", "plugin": "ticketing"}
    assert await everything(database) == {ticket.id: ticket.version}
    await switch(database, enabled=True)
    await change(store, ticket, **key)


@pytest.mark.parametrize("change", [pick_up, comment, hand_over, edit])
async def test_while_it_is_off_a_key_that_was_used_is_refused_too(
    store: TicketStore, database: Database, change: Change
) -> None:
    ticket = await open_ticket(store)
    first = await change(store, ticket, idempotency_key="k1")
    before = await everything(database)
    await switch(database, enabled=False)
    with pytest.raises(PluginDisabled):
        await change(store, ticket, idempotency_key="k1")
    await switch(database, enabled=True)
    assert await change(store, ticket, idempotency_key="k1") == first
    assert await everything(database) == before


async def test_while_it_is_off_no_ticket_comes_from_the_catalog(
    store: TicketStore, database: Database
) -> None:
    await put(database, RESOURCES)
    await switch(database, enabled=False)
    form = CreateTicketFromCatalog(item="network_outage")
    with pytest.raises(PluginDisabled):
        await store.create_from_catalog(ANNA, form)
    assert "network_outage" in (await read_catalog(database)).items


@with_and_without_a_key
@at_first_and_long_after
async def test_a_transition_that_waited_for_the_switch_is_refused(
    store: TicketStore,
    database: Database,
    observer: Observer,
    key: dict[str, object],
    times_before: int,
) -> None:
    await pick_up_others(store, times_before, key)
    ticket = await open_ticket(store)
    async with observer.closed_gate("plugin_changes"):
        switching = asyncio.create_task(switch(database, enabled=False))
        await observer.see_waiting(1)
        moving = asyncio.create_task(pick_up(store, ticket, **key))
        await observer.see_waiting(2)
    await switching
    with pytest.raises(PluginDisabled):
        await moving
    assert await read_ticket(database, EVERYTHING, ticket.id) == ticket


async def test_the_switch_waits_for_changes_under_way(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    ticket = await open_ticket(store)
    async with observer.closed_gate("ticket_status_history"):
        moving = asyncio.create_task(pick_up(store, ticket))
        await observer.see_waiting(1)
        switching = asyncio.create_task(switch(database, enabled=False))
        await observer.see_waiting(2)
    moved = await moving
    await switching
    assert await everything(database) == {ticket.id: moved.version}


async def test_who_switched_is_recorded_once_for_what_changed(
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
