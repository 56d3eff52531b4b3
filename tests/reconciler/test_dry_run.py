"""A dry run is read-only, and only for admins."""

from collections.abc import AsyncIterator

import pytest

from engine.errors import Forbidden
from engine.storage.postgres.database import Database, open_database
from engine.tickets.actor import Actor
from reconciler.dry_run import dry_run
from tests.support.personas import ADA, ANNA, MARTON

VALUES = "ticketing: {defaultWorkflows: false}"
"""Retires every workflow."""


@pytest.fixture
async def single_connection(database_url: str) -> AsyncIterator[Database]:
    """Return a database with one connection, whose statements can be observed."""
    async with open_database(database_url, connections=1) as database:
        yield database


async def test_a_dry_run_is_one_read_only_transaction(single_connection: Database) -> None:
    statements: list[str] = []
    async with single_connection.pool.acquire() as connection:
        connection.add_query_logger(lambda record: statements.append(record.query))
    plan = await dry_run(single_connection, ADA, VALUES)
    assert not plan.is_empty
    begin, *rest = statements
    assert begin == "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    # WITH: asyncpg reads about a type that it has not used on this connection.
    assert {each.split()[0] for each in rest} <= {"SELECT", "WITH", "COMMIT"}


@pytest.mark.parametrize("actor", [ANNA, MARTON], ids=["a requester", "a member of a group"])
async def test_only_admins_can_make_a_dry_run(single_connection: Database, actor: Actor) -> None:
    with pytest.raises(Forbidden) as refused:
        await dry_run(single_connection, actor, VALUES)
    assert refused.value.details == {"reason": "admin_required"}
