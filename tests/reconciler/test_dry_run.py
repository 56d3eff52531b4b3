"""A look at what a values file would change: for admins, and nothing is written."""

from collections.abc import AsyncIterator

import pytest

from engine.errors import Forbidden
from engine.storage.postgres.database import Database, open_database
from engine.tickets.actor import Actor
from reconciler.dry_run import dry_run
from tests.support.personas import ADA, ANNA, MARTON

VALUES = "ticketing: {defaultWorkflows: false}"
"""Retires every workflow: who applied that by mistake would notice."""


@pytest.fixture
async def alone(database_url: str) -> AsyncIterator[Database]:
    """Return a database with one connection, so that nothing passes by another."""
    async with open_database(database_url, connections=1) as database:
        yield database


async def test_it_reads_in_one_transaction_that_is_read_only(alone: Database) -> None:
    statements: list[str] = []
    async with alone.pool.acquire() as connection:
        connection.add_query_logger(lambda record: statements.append(record.query))
    plan = await dry_run(alone, ADA, VALUES)
    assert not plan.is_empty
    begin, *rest = statements
    assert begin == "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    assert {each.split()[0] for each in rest} <= {"SELECT", "COMMIT;"}


@pytest.mark.parametrize("actor", [ANNA, MARTON], ids=["nobody special", "a member of a group"])
async def test_it_is_for_admins(alone: Database, actor: Actor) -> None:
    with pytest.raises(Forbidden) as refused:
        await dry_run(alone, actor, VALUES)
    assert refused.value.details == {"reason": "admin_required"}
