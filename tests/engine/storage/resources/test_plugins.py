"""The switch of a plugin is in force for every change from its commit on, on every server."""

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
from tests.support.declared_resources import put
from tests.support.lock_gates import Observer
from tests.support.personas import ADA, ANNA

CHANGES = "SELECT plugin, enabled, changed_by FROM plugin_changes ORDER BY id"


class Way(StrEnum):
    """By what ticketing is switched off and on; the value is the reason that is told."""

    BY_AN_ADMIN = "switched_off"
    BY_DECLARATION = "declared_off"


both_ways = pytest.mark.parametrize("way", Way)


async def switch(database: Database, way: Way = Way.BY_AN_ADMIN, *, enabled: bool) -> None:
    if way is Way.BY_AN_ADMIN:
        await set_plugin_enabled(database, ADA, Plugin.TICKETING, enabled=enabled)
    else:
        await put(database, [declared(enabled=enabled)])


def declared(*, enabled: bool) -> Resource:
    return Resource.of(Kind.SETTING, ENABLED, Switch(enabled=enabled))


@every_change
@with_and_without_a_key
@both_ways
async def test_while_it_is_off_no_change_happens_and_then_it_does(
    store: TicketStore, database: Database, change: Change, key: dict[str, object], way: Way
) -> None:
    ticket = await open_ticket(store)
    await switch(database, way, enabled=False)
    with pytest.raises(PluginDisabled) as refused:
        await change(store, ticket, **key)
    assert refused.value.details == {"reason": way, "plugin": "ticketing"}
    assert await everything(database) == {ticket.id: ticket.version}
    await switch(database, way, enabled=True)
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


@both_ways
async def test_while_it_is_off_no_ticket_comes_from_the_catalog(
    store: TicketStore, database: Database, way: Way
) -> None:
    await put(database, RESOURCES)
    await switch(database, way, enabled=False)
    form = CreateTicketFromCatalog(item="network_outage")
    with pytest.raises(PluginDisabled):
        await store.create_from_catalog(ANNA, form)
    assert "network_outage" in (await read_catalog(database)).items


@with_and_without_a_key
@at_first_and_long_after
@pytest.mark.parametrize(
    ("way", "gate"), [(Way.BY_AN_ADMIN, "plugin_changes"), (Way.BY_DECLARATION, "settings")]
)
async def test_a_transition_that_waited_for_the_switch_is_refused(
    store: TicketStore,
    database: Database,
    observer: Observer,
    key: dict[str, object],
    times_before: int,
    way: Way,
    gate: str,
) -> None:
    await pick_up_others(store, times_before, key)
    ticket = await open_ticket(store)
    async with observer.closed_gate(gate):
        switching = asyncio.create_task(switch(database, way, enabled=False))
        await observer.see_waiting(1)
        moving = asyncio.create_task(pick_up(store, ticket, **key))
        await observer.see_waiting(2)
    await switching
    with pytest.raises(PluginDisabled):
        await moving
    assert await read_ticket(database, SYSTEM_VIEWER, ticket.id) == ticket


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


async def test_what_is_declared_to_be_off_no_admin_switches_on(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    await switch(database, Way.BY_DECLARATION, enabled=False)
    with pytest.raises(PluginDisabled) as refused:
        await switch(database, enabled=True)
    assert refused.value.details == {"reason": "declared_off", "plugin": "ticketing"}
    assert await observer.connection.fetch(CHANGES) == []
    with pytest.raises(PluginDisabled):
        await open_ticket(store)


async def test_each_of_two_switches_has_to_be_on(store: TicketStore, database: Database) -> None:
    async def reason() -> str | None:
        return (await read_off_reasons(database))[Plugin.TICKETING]

    assert await reason() is None
    await switch(database, enabled=False)
    assert await reason() == "switched_off"
    await switch(database, Way.BY_DECLARATION, enabled=False)
    assert await reason() == "declared_off"
    await put(database)
    assert await reason() == "switched_off"
    await switch(database, enabled=True)
    assert await reason() is None
    await open_ticket(store)


async def test_what_is_declared_no_more_switches_nothing_off(
    store: TicketStore, database: Database
) -> None:
    off = declared(enabled=False)
    await put(database, [off])
    await put(database, [replace(off, retired=True)])
    await open_ticket(store)


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
