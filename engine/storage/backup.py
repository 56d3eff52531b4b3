"""Whole tables as lines of JSON, a row each, and back: for backups.

A row is written as PostgreSQL writes it, so that nothing is lost on the way: moments with their
microseconds, bytes in hex, JSON columns as the text that they hold.
"""

from collections.abc import AsyncIterator, Sequence
from functools import cache
from typing import Final

import asyncpg
from sqlalchemy import JSON, Column, Table, Text, bindparam, cast, func, select, text

from engine.storage.postgres.database import Session
from engine.storage.postgres.statements import DIALECT, Statement
from engine.storage.postgres.tables import (
    NOT_IN_BACKUPS,
    idempotency_keys,
    metadata,
    plugins,
    ticket_search,
    webhook_deliveries,
)

PREFETCHED_ROWS: Final = 1_000
UNFIT: Final = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError)
STORED_ROWS: Final = bindparam("stored_rows", type_=Text)

LEFT_OUT: Final = (idempotency_keys, ticket_search, webhook_deliveries)
"""What is gone in a day, what a trigger makes anew, and what only this database owes."""
BACKUP_TABLES: Final = {
    table.name: table for table in metadata.sorted_tables if table not in LEFT_OUT
}
"""What is kept, each table after those that it refers to."""
SEEDED: Final = (plugins,)
"""What a new database has rows in already; those of a backup take their place."""


async def rows_as_json(session: Session, table: str) -> AsyncIterator[str]:
    """Yield the rows of a kept table in the order of its primary key; in a transaction."""
    async for row in session.stream(reading(BACKUP_TABLES[table]), PREFETCHED_ROWS):
        yield row["line"]


@cache
def reading(table: Table) -> Statement:
    """Return the statement that reads a table as lines of JSON."""
    columns = [cast(each, Text) if is_json(each) else each for each in stored(table)]
    named = [each.label(name.name) for each, name in zip(columns, stored(table), strict=True)]
    rows = select(*named).order_by(*table.primary_key.columns).subquery("stored_row")
    return Statement.of(select(cast(func.row_to_json(rows.table_valued()), Text).label("line")))


async def insert_json(session: Session, table: str, lines: Sequence[str]) -> None:
    """Insert rows of a kept table that `rows_as_json` wrote.

    Raises:
        ValueError: they are no such rows, or do not fit those that are there.

    """
    try:
        await session.run(inserting(BACKUP_TABLES[table]), stored_rows=f"[{','.join(lines)}]")
    except UNFIT as error:
        raise ValueError(table) from error


@cache
def inserting(table: Table) -> Statement:
    """Return the statement that inserts rows of a table from a JSON array."""
    names = ", ".join(f'"{column.name}"' for column in stored(table))
    types = ", ".join(f'"{column.name}" {type_in_json(column)}' for column in stored(table))
    values = ", ".join(
        f'stored."{column.name}"{"::json" if is_json(column) else ""}' for column in stored(table)
    )
    rows = f"json_to_recordset(CAST(:stored_rows AS json)) AS stored({types})"
    insertion = f"INSERT INTO {table.name} ({names}) OVERRIDING SYSTEM VALUE SELECT {values}"
    taking_places = taking_place(table) if table in SEEDED else ""
    return Statement.of(text(f"{insertion} FROM {rows}{taking_places}").bindparams(STORED_ROWS))


def taking_place(table: Table) -> str:
    """Return the clause by which rows take the place of those of the same key."""
    key = ", ".join(column.name for column in table.primary_key.columns)
    values = ", ".join(f'"{each.name}" = EXCLUDED."{each.name}"' for each in stored(table))
    return f" ON CONFLICT ({key}) DO UPDATE SET {values}"


async def is_empty(session: Session) -> bool:
    """Tell whether no kept table holds a row that a new database does not have."""
    for table in BACKUP_TABLES.values():
        if (
            table not in SEEDED
            and await session.row(Statement.of(select(table).limit(1))) is not None
        ):
            return False
    return True


async def reset_sequences(session: Session) -> None:
    """Let every identity column go on after the highest value that was inserted."""
    for table in BACKUP_TABLES.values():
        for column in table.columns:
            if column.identity is not None:
                await session.run(next_after_highest(table, column))


def next_after_highest(table: Table, column: Column[int]) -> Statement:
    """Return the statement that sets a sequence to the highest value of its column."""
    sequence = func.pg_get_serial_sequence(table.name, column.name)
    highest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
    return Statement.of(select(func.setval(sequence, highest, text("false"))))


def stored(table: Table) -> list[Column[object]]:
    """Return the columns of a table that are stored as given, in any database."""
    return [
        column
        for column in table.columns
        if column.computed is None and NOT_IN_BACKUPS not in column.info
    ]


def is_json(column: Column[object]) -> bool:
    """Tell whether a column holds JSON, whose very text is kept."""
    return isinstance(column.type, JSON)


def type_in_json(column: Column[object]) -> str:
    """Return the type as which a column is read from JSON."""
    return "text" if is_json(column) else column.type.compile(DIALECT)
