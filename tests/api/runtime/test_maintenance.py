"""The maintenance tasks run again and again while ticketing is on."""

import asyncio
from dataclasses import replace

from api.licence import read_licence
from api.runtime.background_tasks import Supervisor, every
from api.runtime.maintenance import maintenance_tasks
from api.runtime.plugins import PluginCache
from api.runtime.ticket_metrics import TicketMetrics
from engine.plugins import Plugin
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from tests.support.background_work import SESSION_LIFETIME
from tests.support.databases import for_all_kinds
from tests.support.personas import ADA
from tests.support.stored_sla import PICKED_UP, differences, open_ticket_with_sla, transition

SHORT_SECONDS = 0.001
TIMEOUT_SECONDS = 20


async def test_due_work_is_done_repeatedly(database: Database, store: TicketStore) -> None:
    plugins = await PluginCache.read(for_all_kinds(database), read_licence(None, None))
    tasks = [
        replace(each, wait=every(SHORT_SECONDS))
        for each in maintenance_tasks(database, plugins, SESSION_LIFETIME, TicketMetrics(database))
    ]
    async with asyncio.timeout(TIMEOUT_SECONDS), Supervisor().run(tasks):
        for _ in range(2):
            await transition(store, await open_ticket_with_sla(store), PICKED_UP)
            while await differences(database):
                pass


async def test_only_tasks_that_change_no_ticket_run_while_ticketing_is_off(
    database: Database,
) -> None:
    plugins = await PluginCache.read(for_all_kinds(database), read_licence(None, None))
    await plugins.toggle(ADA, Plugin.TICKETING, enabled=False)
    tasks = maintenance_tasks(database, plugins, SESSION_LIFETIME, TicketMetrics(database))
    assert [each.name for each in tasks if each.is_due()] == [
        "maintenance_windows",
        "refused_transitions",
        "ticket_metrics",
        "old_deliveries",
        "old_idempotency_keys",
        "old_web_sessions",
    ]
