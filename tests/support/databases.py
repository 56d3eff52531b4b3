"""Databases for the tests: copies of a template with the schema and the defaults, or empty.

The owner of a database is the superuser of the server. The product runs under a role that has only
the rights of a server.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from secrets import token_hex
from typing import Final

import asyncpg
from sqlalchemy.engine import make_url

from engine.storage.postgres.database import Database
from engine.storage.postgres.databases import Databases

_WORKER: Final = os.environ.get("PYTEST_XDIST_WORKER", "main")
TEMPLATE: Final = f"interlock_template_{_WORKER}"
"""Each worker of a test run has a template, because workers can share a server."""
SERVER_ROLE: Final = f"interlock_server_{_WORKER}"
"""The role of the product; its password is the same."""
EMPTY: Final = "template1"
"""PostgreSQL's own template."""


def for_all_kinds(database: Database) -> Databases:
    """Return a database whose connections all kinds of work share."""
    return Databases(*(database for _ in fields(Databases)))


def database_address(server: str, database: str) -> str:
    """Return the address of a database on a server."""
    return make_url(server).set(database=database).render_as_string(hide_password=False)


def as_server(url: str) -> str:
    """Return the address of the same database for the role of a server."""
    address = make_url(url).set(username=SERVER_ROLE, password=SERVER_ROLE)
    return address.render_as_string(hide_password=False)


async def create_server_role(server: str) -> None:
    """Create the role of the product, unless an earlier test run has created it."""
    connection = await asyncpg.connect(server)
    try:
        if await connection.fetchval("SELECT to_regrole($1)", SERVER_ROLE) is None:
            await connection.execute(f"CREATE ROLE {SERVER_ROLE} LOGIN PASSWORD '{SERVER_ROLE}'")
    finally:
        await connection.close()


async def execute(server: str, *statements: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def new_database(server: str, template: str = TEMPLATE) -> AsyncIterator[str]:
    """Yield the address of a new database: by default with schema and workflows, no tickets.

    Copies of files take half the time of a copy through the log. The rights of roles on a database
    are not copied, so they are revoked again.
    """
    name = f"interlock_{token_hex(6)}"
    await execute(
        server,
        f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY",
        f"REVOKE CREATE, TEMPORARY ON DATABASE {name} FROM PUBLIC",
    )
    yield database_address(server, name)
    await execute(server, f"DROP DATABASE {name} WITH (FORCE)")
