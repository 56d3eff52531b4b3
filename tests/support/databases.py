"""Databases for the tests: each is a copy of one template with the schema and the defaults."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Final

import asyncpg
from sqlalchemy.engine import make_url

TEMPLATE: Final = f"interlock_template_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
"""Each worker of a test run has a template, because workers can share a server."""


def database_address(server: str, database: str) -> str:
    """Return the address of a database on a server."""
    return make_url(server).set(database=database).render_as_string(hide_password=False)


async def execute(server: str, *statements: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def new_database(template: str) -> AsyncIterator[str]:
    """Yield the address of a new database with schema and workflows, and no tickets."""
    name = f"interlock_{token_hex(6)}"
    await execute(template, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield database_address(template, name)
    await execute(template, f"DROP DATABASE {name} WITH (FORCE)")
