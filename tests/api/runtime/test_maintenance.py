"""Servers do by themselves what is due, while ticketing is on."""

import asyncio
from dataclasses import replace

from api.licence import licence_for
from api.runtime.jobs import run_in_background
from api.runtime.maintenance import maintenance_jobs
from api.runtime.plugins import LivePlugins
from engine.plugins import Plugin
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from tests.support.people import ADA
from tests.support.stored_sla import PICKED_UP, differences, move, open_promised

AT_ONCE = 0.001
PATIENCE_SECONDS = 20


async def test_what_is_due_is_done_again_and_again(database: Database, store: TicketStore) -> None:
    plugins = await LivePlugins.read(database, licence_for(None, None))
    works = [
        replace(chore, every=AT_ONCE).repeat() for chore in maintenance_jobs(database, plugins)
    ]
    async with asyncio.timeout(PATIENCE_SECONDS), run_in_background(*works):
        for _ in range(2):
            await move(store, await open_promised(store), PICKED_UP)
            while await differences(database):
                pass


async def test_while_ticketing_is_off_only_what_changes_no_ticket_is_done(
    database: Database,
) -> None:
    plugins = await LivePlugins.read(database, licence_for(None, None))
    await plugins.toggle(ADA, Plugin.TICKETING, enabled=False)
    assert [chore.failure for chore in maintenance_jobs(database, plugins) if chore.wanted()] == [
        "old deliveries could not be forgotten",
        "old idempotency keys could not be forgotten",
    ]
