"""Admins read the status of webhooks, and retry them."""

from base64 import b64encode
from typing import Any, Final

import pytest
from graphql import GraphQLEnumType, build_schema

from api.graphql.interlock import schema_text
from api.timestamps import format_timestamp
from engine.storage.history.position import Position
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.storage.webhooks.status import WebhookState
from engine.tickets.ticket import Ticket
from engine.vocabulary import TicketEvent
from tests.support.api_client import Api
from tests.support.concurrent_changes import comment, open_ticket
from tests.support.declared_resources import put_resources
from tests.support.personas import ADA, ANNA, MARTON
from tests.support.webhook_deliveries import enqueue, run_sql, webhook
from tests.support.webhook_receiver import entry_of_id

CHANGES: Final = 5
OVERVIEW: Final = """
{ webhooks {
  name url events state position pending oldestPendingAt dead pausedUntil nextAttemptAt lastResult
  deadLetters { nodes { id } }
} }
"""
ONE: Final = """
query ($name: ID! = "chat", $first: Int! = 2, $after: String) {
  webhook(name: $name) {
    deadLetters(first: $first, after: $after) {
      edges { cursor node { id event ticketId version attempts lastResult failedAt } }
      nodes { id }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}
"""
RETRY: Final = """
mutation ($name: ID! = "chat", $dead: Boolean! = false) {
  retryWebhook(name: $name, dead: $dead) { webhook { state pending dead lastResult } due }
}
"""
FAILED: Final = """
UPDATE webhook_deliveries SET attempts = 1, last_result = 'timeout', next_attempt_at = '2100-01-01Z'
WHERE webhook = 'chat' AND seq = 1
"""
ALL_DEAD: Final = """
UPDATE webhook_deliveries
SET state = 'dead', attempts = 14, last_result = 'http_500', finished_at = '2030-01-01 12:00Z'
WHERE webhook = 'chat'
"""
"""All at the same time, so that the cursor must use the ticket and seq, too."""


@pytest.fixture
async def ticket(store: TicketStore, database: Database) -> Ticket:
    """Return a ticket of which one webhook receives all changes, and another receives none."""
    await put_resources(database, [webhook("chat"), webhook("audit", events=["ticket.noted"])])
    ticket = await open_ticket(store)
    for _ in range(CHANGES - 1):
        await comment(store, ticket)
    await enqueue(database, CHANGES)
    return ticket


def test_the_schema_has_every_state() -> None:
    states = build_schema(schema_text()).type_map["WebhookState"]
    assert isinstance(states, GraphQLEnumType)
    assert set(states.values) == {*WebhookState}


async def test_admins_see_the_status_of_each_webhook(
    api: Api, database: Database, ticket: Ticket
) -> None:
    await run_sql(database, FAILED)
    audit, chat = (await api.data(ADA, OVERVIEW))["webhooks"]
    Position.parse(chat.pop("position"))
    assert chat == {
        "name": "chat",
        "url": "https://hooks.example.com/",
        "events": [*TicketEvent],
        "state": "failing",
        "pending": CHANGES,
        "oldestPendingAt": format_timestamp(ticket.created_at),
        "dead": 0,
        "pausedUntil": None,
        "nextAttemptAt": "2100-01-01T00:00:00Z",
        "lastResult": "timeout",
        "deadLetters": {"nodes": []},
    }
    assert (audit["name"], audit["events"], audit["state"]) == (
        "audit",
        ["ticket.noted"],
        "working",
    )
    assert audit["pending"] == 0
    assert {audit[each] for each in ("oldestPendingAt", "nextAttemptAt", "lastResult")} == {None}


@pytest.mark.usefixtures("ticket")
async def test_a_disabled_webhook_has_no_next_attempt(api: Api, database: Database) -> None:
    await run_sql(database, FAILED)
    await run_sql(
        database,
        "UPDATE webhooks SET disabled_by_reconciliation = reconciliation WHERE name = 'chat'",
    )
    _, chat = (await api.data(ADA, OVERVIEW))["webhooks"]
    assert (chat["state"], chat["nextAttemptAt"]) == ("disabled", None)


async def test_dead_letters_are_read_in_pages(api: Api, database: Database, ticket: Ticket) -> None:
    await run_sql(database, ALL_DEAD)
    dead_letters: list[dict[str, Any]] = []
    after = None
    for size in (2, 2, 1):
        page = (await api.data(ADA, ONE, after=after))["webhook"]["deadLetters"]
        info, edges = page["pageInfo"], page["edges"]
        assert info["hasPreviousPage"] == (after is not None)
        assert info["hasNextPage"] == (len(dead_letters) + size < CHANGES)
        after = info["endCursor"]
        assert (info["startCursor"], after) == (edges[0]["cursor"], edges[-1]["cursor"])
        assert page["nodes"] == [{"id": edge["node"]["id"]} for edge in edges]
        dead_letters += [edge["node"] for edge in edges]
    assert [entry_of_id(each["id"]) for each in dead_letters] == [
        f"{ticket.id}-{seq}" for seq in (5, 4, 3, 2, 1)
    ]
    assert dead_letters[-1] == {
        "id": dead_letters[-1]["id"],
        "event": "ticket.created",
        "ticketId": ticket.id,
        "version": 1,
        "attempts": 14,
        "lastResult": "http_500",
        "failedAt": "2030-01-01T12:00:00Z",
    }
    empty = (await api.data(ADA, ONE, after=after))["webhook"]["deadLetters"]
    assert empty["nodes"] == []
    assert empty["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": True,
        "startCursor": None,
        "endCursor": None,
    }


@pytest.mark.usefixtures("ticket")
async def test_each_webhook_returns_its_own_dead_letters(api: Api, database: Database) -> None:
    await run_sql(database, ALL_DEAD)
    audit, chat = (await api.data(ADA, OVERVIEW))["webhooks"]
    assert (audit["dead"], chat["dead"], chat["pending"]) == (0, CHANGES, 0)
    assert audit["deadLetters"]["nodes"] == []
    assert len(chat["deadLetters"]["nodes"]) == CHANGES


@pytest.mark.usefixtures("ticket")
async def test_admins_retry_deliveries(api: Api, database: Database) -> None:
    await run_sql(database, FAILED)
    await run_sql(database, "UPDATE webhooks SET paused_until = '2100-01-01Z' WHERE name = 'chat'")
    retried = (await api.data(ADA, RETRY))["retryWebhook"]
    assert retried["due"] == 1
    assert (retried["webhook"]["state"], retried["webhook"]["pending"]) == ("failing", CHANGES)
    await run_sql(database, ALL_DEAD)
    assert (await api.data(ADA, RETRY))["retryWebhook"]["due"] == 0
    revived = (await api.data(ADA, RETRY, dead=True))["retryWebhook"]
    assert (revived["due"], revived["webhook"]["dead"]) == (CHANGES, 0)


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize("query", [OVERVIEW, ONE, RETRY])
async def test_only_admins_read_and_retry_webhooks(
    api: Api, database: Database, query: str
) -> None:
    await run_sql(database, ALL_DEAD)
    for actor in (ANNA, MARTON):
        refused = await api.refusal(actor, query)
        assert refused == {"code": "forbidden", "status": 403, "reason": "admin_required"}
    _, chat = (await api.data(ADA, OVERVIEW))["webhooks"]
    assert chat["dead"] == CHANGES


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize("query", [ONE, RETRY])
async def test_an_unknown_webhook_is_not_found(api: Api, query: str) -> None:
    [error] = (await api.ask(ADA, query, name="chatt"))["errors"]
    assert error["extensions"]["code"] == "not_found"
    assert "Did you mean 'chat'?" in error["message"]


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize(("first", "code"), [(0, "invalid_input"), (101, "limit_exceeded")])
async def test_a_page_has_a_limit(api: Api, first: int, code: str) -> None:
    [error] = (await api.ask(ADA, ONE, first=first))["errors"]
    assert error["extensions"]["code"] == code
    assert error["message"] == f"first must be 1 to 100, not {first}."


CURSORS: Final = {
    "no base64": "\u00e9",
    "no parts": "eA==",
    "no time": "x tk_4f8e29 1",
    "no offset": "2030-01-01T00:00:00 tk_4f8e29 1",
    "no id": "2030-01-01T00:00:00Z x 1",
    "no entry": "2030-01-01T00:00:00Z tk_4f8e29 0",
    "too large an entry": f"2030-01-01T00:00:00Z tk_4f8e29 {2**31}",
}


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize("text", CURSORS.values(), ids=CURSORS)
async def test_an_invalid_cursor_is_refused(api: Api, text: str) -> None:
    after = b64encode(text.encode()).decode() if " " in text else text
    refused = await api.refusal(ADA, ONE, after=after)
    assert (refused["code"], refused["status"]) == ("invalid_input", 400)
