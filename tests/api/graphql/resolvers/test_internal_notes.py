"""Internal notes, and the users in a history."""

from typing import Any

from api.bootstrap.engine import EngineHandle
from engine.tickets.actor import Actor
from tests.api.graphql.resolvers.test_tickets import ASSIGN, COMMENT, opened, ticket_after
from tests.support.api_client import Api
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER

NOTE = """
mutation ($id: ID!, $text: String!) {
  commentTicket(id: $id, text: $text, internal: true) { ticket { version } }
}
"""
HISTORY = """
query ($id: ID!, $kinds: [HistoryKind!]) {
  ticket(id: $id) { version historyConnection(kinds: $kinds) {
    nodes { seq kind from to comment actorUser { name } }
  } }
}
"""


async def history(api: Api, actor: Actor, ticket: str, *kinds: str) -> list[dict[str, Any]]:
    variables: dict[str, object] = {"kinds": list(kinds)} if kinds else {}
    shown = await api.data(actor, HISTORY, id=ticket, **variables)
    entries: list[dict[str, Any]] = shown["ticket"]["historyConnection"]["nodes"]
    return entries


async def test_only_the_assignee_the_group_and_admins_can_read_a_note(api: Api) -> None:
    ticket = await opened(api)
    await api.data(MARTON, NOTE, id=ticket, text="Their card is expired")
    await api.data(MARTON, COMMENT, id=ticket, text="Looking")
    for actor in (MARTON, ADA):
        [note] = await history(api, actor, ticket, "NOTE")
        assert note == {
            "seq": 2,
            "kind": "NOTE",
            "from": None,
            "to": None,
            "comment": "Their card is expired",
            "actorUser": {"name": "Marton P."},
        }
        assert [each["seq"] for each in await history(api, actor, ticket)] == [1, 2, 3]
    for actor in (ANNA, OUTSIDER):
        assert await history(api, actor, ticket, "NOTE") == []
        assert [each["seq"] for each in await history(api, actor, ticket)] == [1, 3]


async def test_notes_can_be_read_by_the_new_assignee_and_not_by_the_former_one(
    api: Api,
) -> None:
    ticket = await opened(api)
    await api.data(MARTON, NOTE, id=ticket, text="Ask Zoe")
    await api.data(MARTON, ASSIGN, id=ticket, to=OUTSIDER.id)
    assert len(await history(api, OUTSIDER, ticket, "NOTE")) == 1
    await api.data(MARTON, ASSIGN, id=ticket, to=None)
    assert await history(api, OUTSIDER, ticket, "NOTE") == []


async def test_other_users_cannot_write_notes(api: Api) -> None:
    ticket = await opened(api)
    for actor in (ANNA, OUTSIDER):
        refused = await api.refusal(actor, NOTE, id=ticket, text="Psst")
        assert (refused["code"], refused["reason"]) == ("forbidden", "role_required")
        assert refused["allowedRoles"] == ["admin", "assignee", "group_member"]
    assert [each["kind"] for each in await history(api, ADA, ticket)] == ["CREATED"]


async def test_a_closed_ticket_accepts_comments_and_notes(api: Api) -> None:
    ticket = await ticket_after(api, "IN_PROGRESS", "RESOLVED", "CLOSED")
    await api.data(ANNA, COMMENT, id=ticket, text="Thanks")
    await api.data(MARTON, NOTE, id=ticket, text="Bill them")
    entries = await history(api, MARTON, ticket, "COMMENT", "NOTE")
    assert [each["comment"] for each in entries] == ["Thanks", "Bill them"]


async def test_users_are_stored_as_in_their_latest_token(api: Api, engine: EngineHandle) -> None:
    tokens = [
        Actor("u_c4", "Marton P.", frozenset({"payment-team"})),
        Actor("u_c4", "Marton Papp", frozenset({"payment-team"})),
        Actor("u_c4", "Marton Papp", frozenset({"network-team", "on-call"})),
        Actor("u_c4", "Marton Papp"),
    ]
    for actor in tokens:
        await api.data(actor, "{ viewer { id } }")
        async with engine.database.pool.acquire() as connection:
            row = await connection.fetchrow("SELECT name, groups FROM users WHERE id = 'u_c4'")
        assert (row["name"], frozenset(row["groups"])) == (actor.name, actor.groups)
