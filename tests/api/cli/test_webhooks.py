"""`interlock webhooks` shows and retries webhooks."""

import json
from subprocess import CompletedProcess

from engine.storage.history.position import Position
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from tests.support.command import interlock, on
from tests.support.concurrent_changes import open_ticket
from tests.support.declared_resources import put_resources
from tests.support.webhook_deliveries import enqueue, run_sql, webhook
from tests.support.webhook_receiver import entry_of_id


def run(database_url: str, *words: str) -> CompletedProcess[str]:
    return interlock("webhooks", *words, env=on(database_url) | {"COLUMNS": "160"})


async def test_dead_letters_are_listed_and_sent_again(
    store: TicketStore, database: Database, database_url: str
) -> None:
    await put_resources(database, [webhook("chat"), webhook("audit", events=["ticket.noted"])])
    ticket = await open_ticket(store)
    await enqueue(database, 1)
    await run_sql(
        database,
        "UPDATE webhook_deliveries SET state = 'dead', attempts = 14,"
        " last_result = 'http_500', finished_at = '2030-01-01 12:00Z'",
    )
    assert "chat" in run(database_url).stdout
    listed = json.loads(run(database_url, "--json").stdout)
    nothing_pending = {"state": "working", "pending": 0, "lastResult": None} | dict.fromkeys(
        ["oldestPendingAt", "pausedUntil", "nextAttemptAt"]
    )
    for each in listed:
        Position.parse(each.pop("position"))
    assert listed == [
        nothing_pending
        | {"name": "audit", "dead": 0}
        | {"url": "https://hooks.example.com/", "events": ["ticket.noted"]},
        nothing_pending
        | {"name": "chat", "dead": 1}
        | {"url": "https://hooks.example.com/", "events": None},
    ]
    assert f"{ticket.id}-1" in run(database_url, "dead").stdout
    [dead_letter] = json.loads(run(database_url, "dead", "chat", "--json").stdout)
    assert entry_of_id(dead_letter["id"]) == f"{ticket.id}-1"
    assert dead_letter == {
        "webhook": "chat",
        "id": dead_letter["id"],
        "event": "ticket.created",
        "attempts": 14,
        "lastResult": "http_500",
        "failedAt": "2030-01-01T12:00:00+00:00",
    }
    assert run(database_url, "retry", "chat").stdout == "0 deliveries are due now.\n"
    assert run(database_url, "retry", "chat", "--dead").stdout == "1 delivery is due now.\n"
    assert json.loads(run(database_url, "dead", "--json").stdout) == []
    refused = run(database_url, "retry", "chatt")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Did you mean 'chat'?" in refused.stderr
