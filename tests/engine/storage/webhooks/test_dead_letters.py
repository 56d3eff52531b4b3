"""Dead letters are listed, latest first."""

from typing import Any

import pytest

from engine.errors import NotFound
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.storage.webhooks.dead_letters import list_dead_letters, retry_deliveries
from tests.support.concurrent_changes import open_ticket, pick_up
from tests.support.declared_resources import put_resources
from tests.support.webhook_deliveries import enqueue, run_sql, webhook
from tests.support.webhook_receiver import entry_of_id


async def test_dead_letters_are_listed_latest_first(store: TicketStore, database: Database) -> None:
    await put_resources(database, [webhook("chat"), webhook("audit")])
    ticket = await open_ticket(store)
    await pick_up(store, ticket)
    await enqueue(database, 2)
    await run_sql(
        database,
        "UPDATE webhook_deliveries SET state = 'dead', attempts = 14, last_result = 'timeout',"
        " finished_at = now() + seq * interval '1s'",
    )
    listed: list[Any] = await list_dead_letters(database, "chat")
    assert [(entry_of_id(each.id), each.event, each.attempts, each.result) for each in listed] == [
        (f"{ticket.id}-2", "ticket.transitioned", 14, "timeout"),
        (f"{ticket.id}-1", "ticket.created", 14, "timeout"),
    ]
    assert await list_dead_letters(database) == listed
    assert await list_dead_letters(database, "audit") == []


async def test_an_unknown_webhook_is_not_found(database: Database) -> None:
    await put_resources(database, [webhook("chat")])
    with pytest.raises(NotFound, match="Did you mean 'chat'"):
        await retry_deliveries(database, "chatt", dead=True)
    with pytest.raises(NotFound):
        await list_dead_letters(database, "mail")
