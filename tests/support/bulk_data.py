"""Thousands of tickets with valid histories, created by two statements."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Integer, cast, func, insert, literal, select
from sqlalchemy.dialects.postgresql import BYTEA

from engine.storage.history.digest_sql import digest
from engine.storage.postgres.database import Database
from engine.storage.postgres.rows import TICKET_COLUMNS
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history, tickets
from engine.storage.tickets.users import ensure_users
from engine.tickets.changes import opening_entry
from engine.tickets.ticket import Opening, initial_ticket
from engine.vocabulary import Priority
from tests.support.personas import ANNA

OPENING = Opening(
    title="One of many",
    description="",
    priority=Priority.MEDIUM,
    workflow="service_request",
    requester=ANNA.id,
    assignee=None,
    assignee_group=None,
)


async def open_many(database: Database, count: int) -> None:
    """Open this number of tickets of Anna, which differ only by their ids."""
    async with database.transaction() as session:
        revision, now = await session.connection.fetchrow(
            "SELECT revision, clock_timestamp() FROM workflows WHERE name = 'service_request'"
        )
        entry = opening_entry("tk_000000", OPENING, ANNA, now, revision)
        await ensure_users(session, ANNA.id)
        numbers = func.generate_series(1, count)
        series = numbers.table_valued("number", name="series").render_derived()
        number = series.c.number
        id_ = literal("tk_").op("||")(func.lpad(func.to_hex(cast(number, Integer)), 12, "0"))
        values: dict[str, ColumnElement[Any]] = {
            name: literal(value, ticket_status_history.c[name].type)
            for name, value in asdict(entry).items()
        } | {"ticket": id_}
        head = digest(cast(literal(b""), BYTEA), values)
        ticket: dict[str, ColumnElement[Any]] = {
            name: literal(value, tickets.c[name].type)
            for name, value in initial_ticket(entry)._asdict().items()
            if name in {column.name for column in TICKET_COLUMNS}
        } | {"id": id_, "head_digest": head}
        for table, row in ((tickets, ticket), (ticket_status_history, values | {"digest": head})):
            statement = insert(table).from_select(
                list(row), select(*row.values()).select_from(series)
            )
            await session.run(Statement.of(statement))
