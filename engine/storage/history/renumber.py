"""The log of histories in a database that was moved to another PostgreSQL server by its contents.

`pg_dump` keeps the numbers of transactions, but the new server counts its own from the beginning:
entries would seem to come from transactions that are yet to run, and what is new would come before
them. So those entries are numbered as the one transaction that finds them, and whoever follows goes
on behind it.
"""

from typing import Final

import asyncpg
from sqlalchemy import exists, select, text, update

from engine.storage.history.log import NEXT_TRANSACTION
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history, webhooks

DEFAULT: Final = text("DEFAULT")
FROM_THE_FUTURE: Final = ticket_status_history.c.transaction >= NEXT_TRANSACTION
IS_MOVED: Final = Statement.of(select(exists().where(FROM_THE_FUTURE)))
TRIGGER: Final = f"TRIGGER {ticket_status_history.name}_append_only"
NUMBER_ANEW: Final = (
    f"ALTER TABLE {ticket_status_history.name} DISABLE {TRIGGER}",
    Statement.of(
        update(ticket_status_history).where(FROM_THE_FUTURE).values(transaction=DEFAULT)
    ).sql,
    f"ALTER TABLE {ticket_status_history.name} ENABLE {TRIGGER}",
    Statement.of(update(webhooks).values(log_transaction=DEFAULT, log_entry=DEFAULT)).sql,
)


async def renumber_log(connection: asyncpg.Connection) -> None:
    """Number what was written under another server as written now; nothing, if nothing was."""
    if await connection.fetchval(IS_MOVED.sql):
        async with connection.transaction():
            for statement in NUMBER_ANEW:
                await connection.execute(statement)
