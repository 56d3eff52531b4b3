"""The default workflows are applied to a database on which nothing was ever applied."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine.declaration.models import Ticketing
from engine.resources.resource import declared_resources
from engine.storage.migrate import migrate
from engine.storage.postgres.database import Database, open_database
from engine.storage.resources.read import read_resources
from engine.storage.resources.reconciliations import latest_reconciliation
from reconciler.allowances import Allowances
from reconciler.apply import ApplyRequest, apply_defaults, reconcile
from reconciler.desired import Desired
from tests.support.databases import EMPTY, new_database

DEFAULTS = declared_resources(Ticketing())


@pytest.fixture
async def new(server: str) -> AsyncIterator[Database]:
    """Return a database with the schema, on which nothing was applied."""
    async with new_database(server, EMPTY) as url:
        await migrate(url)
        async with open_database(url) as database:
            yield database


async def test_the_first_servers_apply_the_defaults_once(new: Database) -> None:
    plans = await asyncio.gather(*(apply_defaults(new) for _ in range(4)))
    assert sum(plan is not None for plan in plans) == 1
    assert (await read_resources(new)).resources == DEFAULTS
    assert (await latest_reconciliation(new)).number == 1
    assert await apply_defaults(new) is None


async def test_defaults_that_were_retired_are_not_applied_again(new: Database) -> None:
    await apply_defaults(new)
    none = Desired(declared_resources(Ticketing.model_validate({"defaultWorkflows": False})))
    allowed = Allowances(stranded=1_000, widening=True, many_retired=True, empty=True)
    await reconcile(new, none, ApplyRequest("ada", allowed), "git:1")
    assert await apply_defaults(new) is None
    live = (await read_resources(new)).resources
    assert all(each.retired for key, each in live.items() if key.kind == "workflow")
