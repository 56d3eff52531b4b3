"""Webhooks, as admins see them and have them attempted again."""

from base64 import b64encode
from typing import Any, Final

import pytest
from graphql import GraphQLEnumType, build_schema
from sqlalchemy import text

from api.graphql.interlock import schema_text
from engine.storage.history.log import Position
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.tickets.store import TicketStore
from engine.storage.webhooks.status import Standing
from engine.tickets.ticket import Ticket
from engine.vocabulary import TicketEvent
from engine.webhooks.retry_policy import Obstacle
from tests.engine.storage.webhooks.test_fan_out import spread_all, webhook
from tests.support.api_client import Api
from tests.support.concurrent_changes import comment, open_ticket
from tests.support.declared_resources import put
from tests.support.people import ADA, ANNA, MARTON

CHANGES: Final = 5
OVERVIEW: Final = """
{ webhooks {
  name url events state position pending dead nextAttemptAt lastAnswer deadLetters { nodes { id } }
} }
"""
ONE: Final = """
query ($name: ID! = "chat", $first: Int! = 2, $after: String) {
  webhook(name: $name) {
    deadLetters(first: $first, after: $after) {
      edges { cursor node { id event ticketId version attempts lastAnswer givenUpAt } }
      nodes { id }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}
"""
RETRY: Final = """
mutation ($name: ID! = "chat", $dead: Boolean! = false) {
  retryWebhook(name: $name, dead: $dead) { webhook { state pending dead lastAnswer } due }
}
"""
FAILED: Final = """
UPDATE webhook_deliveries SET attempts = 1, last_answer = 'timeout', next_attempt_at = '2100-01-01Z'
WHERE webhook = 'chat' AND seq = 1
"""
ALL_DEAD: Final = """
UPDATE webhook_deliveries
SET state = 'dead', attempts = 14, last_answer = 'http_500', finished_at = '2030-01-01 12:00Z'
WHERE webhook = 'chat'
"""
"""All at the same moment."""


@pytest.fixture
async def ticket(store: TicketStore, database: Database) -> Ticket:
    """Return a ticket of whose changes one webhook is owed all, and one none."""
    await put(database, [webhook("chat"), webhook("audit", events=["ticket.noted"])])
    ticket = await open_ticket(store)
    for _ in range(CHANGES - 1):
        await comment(store, ticket)
    await spread_all(database, CHANGES)
    return ticket


async def run(database: Database, statement: str) -> None:
    await database.row(Statement.of(text(statement)))


def test_the_schema_has_a_word_for_every_state() -> None:
    states = build_schema(schema_text()).type_map["WebhookState"]
    assert isinstance(states, GraphQLEnumType)
    assert set(states.values) == {*Standing, *Obstacle}


@pytest.mark.usefixtures("ticket")
async def test_admins_see_how_each_webhook_is_doing(api: Api, database: Database) -> None:
    await run(database, FAILED)
    audit, chat = (await api.data(ADA, OVERVIEW))["webhooks"]
    Position.parse(chat.pop("position"))
    assert chat == {
        "name": "chat",
        "url": "https://hooks.example.com/",
        "events": [*TicketEvent],
        "state": "failing",
        "pending": CHANGES,
        "dead": 0,
        "nextAttemptAt": "2100-01-01T00:00:00Z",
        "lastAnswer": "timeout",
        "deadLetters": {"nodes": []},
    }
    assert (audit["name"], audit["events"], audit["state"]) == (
        "audit",
        ["ticket.noted"],
        "working",
    )
    assert (audit["pending"], audit["nextAttemptAt"], audit["lastAnswer"]) == (0, None, None)


@pytest.mark.usefixtures("ticket")
async def test_a_receiver_that_is_gone_has_no_next_attempt(api: Api, database: Database) -> None:
    await run(database, FAILED)
    await run(
        database,
        "UPDATE webhooks SET disabled_by_reconciliation = reconciliation WHERE name = 'chat'",
    )
    _, chat = (await api.data(ADA, OVERVIEW))["webhooks"]
    assert (chat["state"], chat["nextAttemptAt"]) == ("gone", None)


async def test_what_was_given_up_is_paged_through(
    api: Api, database: Database, ticket: Ticket
) -> None:
    await run(database, ALL_DEAD)
    letters: list[dict[str, Any]] = []
    after = None
    for size in (2, 2, 1):
        page = (await api.data(ADA, ONE, after=after))["webhook"]["deadLetters"]
        info, edges = page["pageInfo"], page["edges"]
        assert info["hasPreviousPage"] == (after is not None)
        assert info["hasNextPage"] == (len(letters) + size < CHANGES)
        after = info["endCursor"]
        assert (info["startCursor"], after) == (edges[0]["cursor"], edges[-1]["cursor"])
        assert page["nodes"] == [{"id": edge["node"]["id"]} for edge in edges]
        letters += [edge["node"] for edge in edges]
    assert [each["id"] for each in letters] == [f"{ticket.id}-{seq}" for seq in (5, 4, 3, 2, 1)]
    assert letters[-1] == {
        "id": f"{ticket.id}-1",
        "event": "ticket.created",
        "ticketId": ticket.id,
        "version": 1,
        "attempts": 14,
        "lastAnswer": "http_500",
        "givenUpAt": "2030-01-01T12:00:00Z",
    }
    beyond = (await api.data(ADA, ONE, after=after))["webhook"]["deadLetters"]
    assert beyond["nodes"] == []
    assert beyond["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": True,
        "startCursor": None,
        "endCursor": None,
    }


@pytest.mark.usefixtures("ticket")
async def test_each_webhook_shows_its_own_dead_letters(api: Api, database: Database) -> None:
    await run(database, ALL_DEAD)
    audit, chat = (await api.data(ADA, OVERVIEW))["webhooks"]
    assert (audit["dead"], chat["dead"], chat["pending"]) == (0, CHANGES, 0)
    assert audit["deadLetters"]["nodes"] == []
    assert len(chat["deadLetters"]["nodes"]) == CHANGES


@pytest.mark.usefixtures("ticket")
async def test_admins_have_deliveries_attempted_again(api: Api, database: Database) -> None:
    await run(database, FAILED)
    await run(database, "UPDATE webhooks SET paused_until = '2100-01-01Z' WHERE name = 'chat'")
    hastened = (await api.data(ADA, RETRY))["retryWebhook"]
    assert hastened["due"] == 1
    assert (hastened["webhook"]["state"], hastened["webhook"]["pending"]) == ("failing", CHANGES)
    await run(database, ALL_DEAD)
    assert (await api.data(ADA, RETRY))["retryWebhook"]["due"] == 0
    revived = (await api.data(ADA, RETRY, dead=True))["retryWebhook"]
    assert (revived["due"], revived["webhook"]["dead"]) == (CHANGES, 0)


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize("query", [OVERVIEW, ONE, RETRY])
async def test_nobody_but_admins_looks_or_touches(api: Api, database: Database, query: str) -> None:
    await run(database, ALL_DEAD)
    for actor in (ANNA, MARTON):
        refused = await api.refusal(actor, query)
        assert refused == {"code": "forbidden", "status": 403, "reason": "admin_required"}
    _, chat = (await api.data(ADA, OVERVIEW))["webhooks"]
    assert chat["dead"] == CHANGES


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize("query", [ONE, RETRY])
async def test_a_webhook_that_there_is_not_is_not_found(api: Api, query: str) -> None:
    [error] = (await api.ask(ADA, query, name="chatt"))["errors"]
    assert error["extensions"]["code"] == "not_found"
    assert "Did you mean 'chat'?" in error["message"]


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize(("first", "code"), [(0, "invalid_input"), (101, "limit_exceeded")])
async def test_a_page_has_a_bound(api: Api, first: int, code: str) -> None:
    [error] = (await api.ask(ADA, ONE, first=first))["errors"]
    assert error["extensions"]["code"] == code
    assert error["message"] == f"first must be 1 to 100, not {first}."


CURSORS: Final = {
    "no base64": "\u00e9",
    "no place": "eA==",
    "no moment": "x tk_4f8e29 1",
    "no offset": "2030-01-01T00:00:00 tk_4f8e29 1",
    "no id": "2030-01-01T00:00:00Z x 1",
    "no entry": "2030-01-01T00:00:00Z tk_4f8e29 0",
    "beyond all": f"2030-01-01T00:00:00Z tk_4f8e29 {2**31}",
}


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize("place", CURSORS.values(), ids=CURSORS)
async def test_a_cursor_of_somebody_elses_making_is_refused(api: Api, place: str) -> None:
    after = b64encode(place.encode()).decode() if " " in place else place
    refused = await api.refusal(ADA, ONE, after=after)
    assert (refused["code"], refused["status"]) == ("invalid_input", 400)
