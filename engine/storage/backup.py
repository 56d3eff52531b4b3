"""Export tables as lines of JSON, one for each row, and import them: for backups.

PostgreSQL itself formats and parses the rows, so that nothing is lost: timestamps keep their
microseconds, bytes are in hex, and JSON columns keep their exact text.
"""

from collections.abc import AsyncIterator, Sequence
from functools import cache
from typing import Final

import asyncpg
from sqlalchemy import JSON, Column, Table, Text, bindparam, cast, func, select, text

from engine.storage.postgres.database import Session
from engine.storage.postgres.statements import DIALECT, Statement
from engine.storage.postgres.tables import (
    LOG_ORDER,
    NOT_IN_BACKUPS,
    head_chunks,
    idempotency_keys,
    metadata,
    plugins,
    refused_transitions,
    servers,
    ticket_search,
    web_sessions,
    webhook_deliveries,
)

_PREFETCHED_ROWS: Final = 1_000
_LEFT_OUT: Final = (
    idempotency_keys,  # expire within a day
    ticket_search,  # follows from other tables
    webhook_deliveries,  # have a meaning only in this database
    head_chunks,  # a cache
    refused_transitions,  # are numbers, and no part of the record
    servers,  # use this database, and not another one
    web_sessions,  # would let users in who have signed out since
)
BACKUP_TABLES: Final = {
    table.name: table for table in metadata.sorted_tables if table not in _LEFT_OUT
}
"""Each table comes after those that it refers to."""
_SEEDED: Final = (plugins,)
"""The tables that have rows in a new database. Rows of a backup replace them."""


async def rows_as_json(session: Session, table: str) -> AsyncIterator[str]:
    """Yield the rows of a table, in a transaction.

    Rows with a place in the log are in the order of the log, and `insert_json` numbers them in the
    order in which it gets them. Others are ordered by primary key.
    """
    async for row in session.stream(_export_statement(BACKUP_TABLES[table]), _PREFETCHED_ROWS):
        yield row["line"]


@cache
def _export_statement(table: Table) -> Statement:
    columns = [
        (cast(each, Text) if _is_json(each) else each).label(each.name) for each in _columns(table)
    ]
    in_log = [table.c[name] for name in LOG_ORDER if name in table.c]
    order = in_log or [*table.primary_key.columns]
    rows = select(*columns).order_by(*order).subquery("stored_row")
    return Statement.of(select(cast(func.row_to_json(rows.table_valued()), Text).label("line")))


async def insert_json(session: Session, table: str, lines: Sequence[str]) -> None:
    """Insert rows that `rows_as_json` returned.

    Raises:
        ValueError: the lines are invalid, or conflict with rows of the database.

    """
    try:
        await session.run(_import_statement(BACKUP_TABLES[table]), rows=f"[{','.join(lines)}]")
    except (
        asyncpg.DataError,
        asyncpg.ProgramLimitExceededError,
        asyncpg.IntegrityConstraintViolationError,
        ValueError,
    ) as error:
        raise ValueError(table) from error


@cache
def _import_statement(table: Table) -> Statement:
    columns = _columns(table)
    names = ", ".join(f'"{each.name}"' for each in columns)
    types = ", ".join(
        f'"{each.name}" {"text" if _is_json(each) else each.type.compile(DIALECT)}'
        for each in columns
    )
    values = ", ".join(
        f'stored."{each.name}"{"::json" if _is_json(each) else ""}' for each in columns
    )
    insertion = f"INSERT INTO {table.name} ({names}) OVERRIDING SYSTEM VALUE SELECT {values}"
    source = f"json_to_recordset(CAST(:rows AS json)) AS stored({types})"
    on_conflict = ""
    if table in _SEEDED:
        key = ", ".join(each.name for each in table.primary_key.columns)
        updates = ", ".join(f'"{each.name}" = EXCLUDED."{each.name}"' for each in columns)
        on_conflict = f" ON CONFLICT ({key}) DO UPDATE SET {updates}"
    statement = text(f"{insertion} FROM {source}{on_conflict}")
    return Statement.of(statement.bindparams(bindparam("rows", type_=Text)))


async def is_empty(session: Session) -> bool:
    """Return whether the tables have only the rows of a new database."""
    for table in BACKUP_TABLES.values():
        if table not in _SEEDED and await session.row(Statement.of(select(table).limit(1))):
            return False
    return True


async def reset_sequences(session: Session) -> None:
    """Let every identity column continue after its highest value."""
    for table in BACKUP_TABLES.values():
        for column in table.columns:
            if column.identity is not None:
                sequence = func.pg_get_serial_sequence(table.name, column.name)
                after_highest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
                await session.run(
                    Statement.of(select(func.setval(sequence, after_highest, text("false"))))
                )


def _columns(table: Table) -> list[Column[object]]:
    """Return the columns of a table that a backup contains."""
    return [
        column
        for column in table.columns
        if column.computed is None and NOT_IN_BACKUPS not in column.info
    ]


def _is_json(column: Column[object]) -> bool:
    return isinstance(column.type, JSON)
