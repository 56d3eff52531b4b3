"""Fix the order of the log after the database was moved to another server with `pg_dump`.

`pg_dump` keeps the transaction numbers of entries, but the new server counts its own transactions
from the beginning. Old entries would seem to belong to future transactions, and new entries would
come before them. So old entries get the number of the transaction that finds them, and webhooks
continue behind it.
"""

from typing import Final

import asyncpg
from sqlalchemy import exists, select, text, update

from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import NEXT_TRANSACTION, ticket_status_history, webhooks

_DEFAULT: Final = text("DEFAULT")
_IN_FUTURE: Final = ticket_status_history.c.transaction >= NEXT_TRANSACTION
_IS_MOVED: Final = Statement.of(select(exists().where(_IN_FUTURE)))
_TRIGGER: Final = "TRIGGER ticket_status_history_append_only"
_RENUMBER: Final = (
    f"ALTER TABLE ticket_status_history DISABLE {_TRIGGER}",
    Statement.of(
        update(ticket_status_history)
        .where(_IN_FUTURE)
        .values(transaction=_DEFAULT, oldest_running=_DEFAULT)
    ).sql,
    f"ALTER TABLE ticket_status_history ENABLE {_TRIGGER}",
    Statement.of(update(webhooks).values(log_transaction=_DEFAULT, log_entry=_DEFAULT)).sql,
)


async def renumber_log(connection: asyncpg.Connection) -> None:
    """Renumber entries of future transactions, if there are any."""
    if await connection.fetchval(_IS_MOVED.sql):
        async with connection.transaction():
            for statement in _RENUMBER:
                await connection.execute(statement)
