"""The rights of the server's database role.

Two roles share a database: an owner, which migrates, and the role of the servers, which owns
nothing. The second one can append to recorded data, and cannot change it, delete it or disable the
triggers that protect it.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from sqlalchemy import text

from engine.errors import InvalidInput, Misconfigured
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import (
    anchors,
    calendars,
    catalog_categories,
    catalog_items,
    head_chunks,
    health_intervals,
    idempotency_keys,
    maintenance_windows,
    metadata,
    plugin_changes,
    plugins,
    reconciliations,
    refused_transitions,
    saved_views,
    seals,
    servers,
    service_health,
    service_reports,
    services,
    settings,
    ticket_search,
    ticket_status_history,
    tickets,
    token_groups,
    user_names,
    user_settings,
    users,
    web_sessions,
    webhook_deliveries,
    webhooks,
    workflow_revisions,
    workflows,
)

_ROLE: Final = Statement.of(text("SELECT FROM pg_roles WHERE rolname = :role"))
_NAME_BYTES_MAX: Final = 63
"""PostgreSQL cuts longer names, so they would name another role."""


class Privilege(StrEnum):
    """A privilege on a table."""

    SELECT = "SELECT"
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    TRUNCATE = "TRUNCATE"
    REFERENCES = "REFERENCES"
    TRIGGER = "TRIGGER"


_READ: Final = (Privilege.SELECT,)
_APPEND: Final = (*_READ, Privilege.INSERT)
_WRITE: Final = (*_APPEND, Privilege.UPDATE)
_WRITE_AND_DELETE: Final = (*_WRITE, Privilege.DELETE)

SERVER_PRIVILEGES: Final[Mapping[str, tuple[Privilege, ...]]] = {
    "alembic_version": _READ,
    **dict.fromkeys(
        (
            reconciliations.name,
            workflow_revisions.name,
            ticket_status_history.name,
            plugin_changes.name,
            user_names.name,
            token_groups.name,
            seals.name,
            anchors.name,
            health_intervals.name,
        ),
        _APPEND,
    ),
    **dict.fromkeys(
        (
            users.name,
            workflows.name,
            catalog_categories.name,
            catalog_items.name,
            calendars.name,
            services.name,
            settings.name,
            webhooks.name,
            service_health.name,
            maintenance_windows.name,
            tickets.name,
            user_settings.name,
        ),
        _WRITE,
    ),
    plugins.name: (*_READ, Privilege.UPDATE),
    **dict.fromkeys(
        (
            ticket_search.name,
            webhook_deliveries.name,
            service_reports.name,
            idempotency_keys.name,
            head_chunks.name,
            web_sessions.name,
            saved_views.name,
            refused_transitions.name,
            servers.name,
        ),
        _WRITE_AND_DELETE,
    ),
}
"""The privileges that a server needs on each table; it needs no others."""

_SEQUENCES: Final = tuple(
    f"{table.name}_{column.name}_seq"
    for table in metadata.sorted_tables
    for column in table.columns
    if column.identity is not None
)
"""The sequences of the identity columns. An INSERT into such a table needs no right on them."""


def grants_sql(role: str) -> str:
    """Return the SQL that gives a role exactly the rights of a server; it can run repeatedly.

    Raises:
        InvalidInput: PostgreSQL cannot have a role with this name.

    """
    return "\n".join(_grants(role, _quoted(role)))


async def grant_rights(database: Database, role: str) -> None:
    """Give a role exactly the rights of a server.

    Raises:
        InvalidInput: PostgreSQL cannot have a role with this name.
        Misconfigured: the database has no role with this name.

    """
    sql = grants_sql(role)
    if await database.row(_ROLE, role=role) is None:
        raise Misconfigured(
            f"The database has no role {role!r}. Create it: CREATE ROLE … LOGIN PASSWORD …"
        )
    async with database.pool.acquire() as connection:
        await connection.execute(sql)


def _quoted(role: str) -> str:
    """Return the name of a role as an identifier in SQL."""
    length = len(role.encode())
    if not 0 < length <= _NAME_BYTES_MAX or not role.isprintable():
        raise InvalidInput(
            f"{role!r} is not a name of a database role: it must have 1 to {_NAME_BYTES_MAX} bytes"
            " of printable text."
        )
    return '"' + role.replace('"', '""') + '"'


def _grants(role: str, quoted: str) -> Iterator[str]:
    tables = ", ".join(SERVER_PRIVILEGES)
    yield f"-- The rights of a server for the role {quoted}, which must exist and own nothing here."
    yield "-- Run this as the owner of the tables, again after each migration."
    yield "BEGIN;"
    yield from _grants_on_database(role)
    yield f"REVOKE ALL ON TABLE {tables} FROM PUBLIC, {quoted};"
    yield f"REVOKE ALL ON SEQUENCE {', '.join(_SEQUENCES)} FROM PUBLIC, {quoted};"
    for table, privileges in SERVER_PRIVILEGES.items():
        yield f"GRANT {', '.join(privileges)} ON TABLE {table} TO {quoted};"
    yield "COMMIT;"


def _grants_on_database(role: str) -> Iterator[str]:
    """Yield a block, because a statement cannot refer to the current database or schema."""
    literal = "'" + role.replace("'", "''") + "'"
    quote = "$grants$"
    while quote in literal:
        quote = f"$_{quote[1:]}"
    yield f"DO {quote} BEGIN"
    for statement, named in (
        ("REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC, %I", "current_database()"),
        ("GRANT CONNECT ON DATABASE %I TO %I", "current_database()"),
        ("REVOKE CREATE ON SCHEMA %I FROM PUBLIC, %I", "current_schema()"),
        ("GRANT USAGE ON SCHEMA %I TO %I", "current_schema()"),
    ):
        yield f"    EXECUTE format('{statement}', {named}, {literal});"
    yield f"END {quote};"
