"""Servers do by themselves what is due, while ticketing is on, and whatever happens."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from api.bootstrap import in_background
from api.licences import licence_for
from api.plugins import LivePlugins
from api.timekeeping import Timekeeping
from engine.errors import Unavailable
from engine.plugins import Plugin
from engine.storage.database import Database
from engine.storage.ticket_store import TicketStore
from tests.engine.storage.promised import PICKED_UP, differences, move, open_promised
from tests.people import ADA

AT_ONCE = 0.001
PATIENCE_SECONDS = 20


@pytest.fixture
async def timekeeping(database: Database) -> Timekeeping:
    plugins = await LivePlugins.read(database, licence_for(None, None))
    return Timekeeping(database, plugins)


async def test_what_is_due_is_done_again_and_again(
    timekeeping: Timekeeping, store: TicketStore, database: Database
) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS), in_background(timekeeping.go_on(AT_ONCE)):
        for _ in range(2):
            await move(store, await open_promised(store), PICKED_UP)
            while await differences(database):
                pass


async def test_while_ticketing_is_off_nothing_is_attempted(timekeeping: Timekeeping) -> None:
    async def fail(_database: Database) -> int:
        raise AssertionError

    await timekeeping.plugins.toggle(ADA, Plugin.TICKETING, enabled=False)
    with capture_logs() as logged:
        await timekeeping.attempt(fail)
    assert logged == []


FAILURES = {"the database is away": Unavailable("Gone."), "a fault": ZeroDivisionError()}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
async def test_what_fails_is_told_and_attempted_again(
    timekeeping: Timekeeping, failure: Exception
) -> None:
    async def fail(_database: Database) -> int:
        raise failure

    logged: list[MutableMapping[str, Any]]
    with capture_logs() as logged:
        await timekeeping.attempt(fail)
    assert [each["event"] for each in logged] == ["tickets could not be swept"]
