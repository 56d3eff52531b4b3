"""Databases for the tests: copies of a template with the schema and the defaults, or empty."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Final

import asyncpg
from sqlalchemy.engine import make_url

TEMPLATE: Final = f"interlock_template_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
"""Each worker of a test run has a template, because workers can share a server."""
EMPTY: Final = "template1"
"""PostgreSQL's own template."""


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
async def new_database(server: str, template: str = TEMPLATE) -> AsyncIterator[str]:
    """Yield the address of a new database: by default with schema and workflows, no tickets."""
    name = f"interlock_{token_hex(6)}"
    await execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield database_address(server, name)
    await execute(server, f"DROP DATABASE {name} WITH (FORCE)")
