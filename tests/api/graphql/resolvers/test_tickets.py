"""Tickets through the API, from the first report to the confirmation."""

import re

import pytest
from syrupy.assertion import SnapshotAssertion

from engine.tickets.actor import Actor
from tests.support.api_client import Api, Client, bearer
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

CREATE = """
mutation ($title: String!, $workflow: String! = "incident_response", $group: String, $key: String) {
  createTicket(title: $title, workflow: $workflow, priority: CRITICAL, assigneeGroup: $group,
               idempotencyKey: $key) { ticket { id version } }
}
"""
TICKET = """
query ($id: ID!) {
  ticket(id: $id) {
    id title description status priority workflow version
    requester { id name } assignee { id name } assigneeGroup
    sla { responseDueAt resolutionDueAt responseBreached resolutionBreached }
    createdAt updatedAt
    history { nodes { seq at actor actorUser { id name } kind from to comment actorRoles } }
    workflowDefinition { name displayName retired }
  }
}
"""
MOVE = """
mutation ($id: ID!, $to: Status!, $version: Int, $key: String) {
  transitionTicket(id: $id, to: $to, expectedVersion: $version, idempotencyKey: $key) {
    ticket { status version }
  }
}
"""
ASSIGN = """
mutation ($id: ID!, $to: ID) { assignTicket(id: $id, assignee: $to) { ticket { version } } }
"""
COMMENT = """
mutation ($id: ID!, $text: String!) { commentTicket(id: $id, text: $text) { ticket { id } } }
"""
UPDATE = """
mutation ($id: ID!, $title: String, $priority: Priority) {
  updateTicket(id: $id, title: $title, priority: $priority) { ticket { title priority version } }
}
"""
STANDING = (
    "query ($id: ID!) { ticket(id: $id) { status version updatedAt history { nodes { seq } } } }"
)


async def opened(api: Api, **changed: object) -> str:
    asked = {"title": "Payments fail", "group": "payment-team"} | changed
    created = await api.data(ANNA, CREATE, **asked)
    ticket: str = created["createTicket"]["ticket"]["id"]
    return ticket


async def brought_to(api: Api, *steps: str) -> str:
    """Return a ticket of Anna's, assigned to Marton, after these transitions."""
    ticket = await opened(api)
    await api.data(MARTON, ASSIGN, id=ticket, to=MARTON.id)
    for to in steps:
        await api.data(ANNA if to == "CLOSED" else MARTON, MOVE, id=ticket, to=to)
    return ticket


async def test_an_incident_lives_its_life(api: Api, snapshot: SnapshotAssertion) -> None:
    ticket = await brought_to(api, "IN_PROGRESS", "RESOLVED", "CLOSED")
    await api.data(ANNA, COMMENT, id=ticket, text="Thank you!")
    shown = (await api.data(ANNA, TICKET, id=ticket))["ticket"]
    assert re.fullmatch(r"tk_[0-9a-f]{32}", shown["id"])
    assert MOMENT.fullmatch(shown["createdAt"])
    assert masked(shown) == snapshot


def masked(value: object) -> object:
    """Return an answer without what differs from run to run."""
    if isinstance(value, dict):
        return {name: masked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [masked(each) for each in value]
    is_random = isinstance(value, str) and (MOMENT.fullmatch(value) or value.startswith("tk_"))
    return "…" if is_random else value


REFUSALS: dict[str, tuple[Actor, str, dict[str, object], dict[str, object]]] = {
    "a transition for others": (
        ANNA,
        MOVE,
        {"to": "IN_PROGRESS"},
        {"code": "forbidden_transition", "status": 403, "reason": "role_required"}
        | {"allowedRoles": ["assignee"], "actorRoles": ["requester"], "availableStatuses": []},
    ),
    "a transition that is not declared": (
        MARTON,
        MOVE,
        {"to": "CLOSED"},
        {"code": "forbidden_transition", "reason": "no_such_transition"}
        | {"shortestPath": ["OPEN", "IN_PROGRESS", "RESOLVED", "CLOSED"]},
    ),
    "a stale version": (
        MARTON,
        MOVE,
        {"to": "IN_PROGRESS", "version": 1},
        {"code": "version_conflict", "status": 409, "expectedVersion": 1, "currentVersion": 2},
    ),
    "assigning as the requester of a ticket with a group": (
        ANNA,
        ASSIGN,
        {"to": "u_z9"},
        {"code": "forbidden", "status": 403, "reason": "role_required"}
        | {"allowedRoles": ["admin", "assignee", "group_member"], "holds": ["requester"]},
    ),
    "assigning without saying whom": (
        MARTON,
        "mutation ($id: ID!) { assignTicket(id: $id) { ticket { id } } }",
        {},
        {"code": "invalid_input", "status": 400}
        | {"problems": [{"field": "assignee", "message": "is missing"}]},
    ),
    "editing as a stranger": (
        OUTSIDER,
        UPDATE,
        {"title": "Mine"},
        {"code": "forbidden", "reason": "role_required", "holds": []},
    ),
    "an empty comment": (
        ANNA,
        COMMENT,
        {"text": "  "},
        {"code": "invalid_input", "status": 400},
    ),
    "an unknown status": (
        MARTON,
        MOVE,
        {"to": "DONE"},
        {"code": "invalid_variables", "status": 422},
    ),
}


@pytest.mark.parametrize(("actor", "query", "given", "wanted"), REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal_explains_itself_and_changes_nothing(
    api: Api, actor: Actor, query: str, given: dict[str, object], wanted: dict[str, object]
) -> None:
    ticket = await brought_to(api)
    before = await api.data(ANNA, STANDING, id=ticket)
    extensions = await api.refusal(actor, query, id=ticket, **given)
    assert extensions | wanted == extensions
    assert await api.data(ANNA, STANDING, id=ticket) == before


async def test_a_closed_ticket_takes_comments_only(api: Api) -> None:
    ticket = await brought_to(api, "IN_PROGRESS", "RESOLVED", "CLOSED")
    moved = await api.refusal(ANNA, MOVE, id=ticket, to="IN_PROGRESS")
    assert (moved["code"], moved["reason"]) == ("forbidden_transition", "ticket_closed")
    edited = await api.refusal(ADA, UPDATE, id=ticket, title="Late")
    assert (edited["code"], edited["status"]) == ("ticket_closed", 403)
    await api.data(OUTSIDER, COMMENT, id=ticket, text="Same here")


async def test_an_unknown_ticket_is_not_found(api: Api) -> None:
    answer = await api.ask(ANNA, TICKET, id="tk_000000")
    assert answer["data"] == {"ticket": None}
    assert (
        answer["errors"][0]["extensions"] | {"code": "not_found", "status": 404}
        == (answer["errors"][0]["extensions"])
    )
    assert (await api.refusal(ANNA, MOVE, id="tk_000000", to="CLOSED"))["code"] == "not_found"


async def test_the_viewer_sees_their_moves(api: Api) -> None:
    ticket = await brought_to(api, "IN_PROGRESS", "RESOLVED")
    query = (
        "query ($id: ID!) { ticket(id: $id) { transitions { to allowed reason allowedRoles } } }"
    )
    seen = {
        actor.id: {
            move["to"]: move["reason"]
            for move in (await api.data(actor, query, id=ticket))["ticket"]["transitions"]
        }
        for actor in (ANNA, MARTON, OUTSIDER)
    }
    never = {"OPEN": "no_such_transition", "RESOLVED": "no_such_transition"}
    assert seen == {
        "u_b1": never | {"IN_PROGRESS": "allowed", "CLOSED": "allowed"},
        "u_c4": never | {"IN_PROGRESS": "allowed", "CLOSED": "role_required"},
        "u_z9": never | {"IN_PROGRESS": "role_required", "CLOSED": "role_required"},
    }


async def test_what_is_shown_is_what_is_enforced(api: Api) -> None:
    query = "query ($id: ID!) { ticket(id: $id) { transitions { to allowed reason } } }"
    for actor in (ANNA, MARTON, ADA, OUTSIDER):
        for steps in ((), ("IN_PROGRESS",), ("IN_PROGRESS", "RESOLVED")):
            shown = await api.data(actor, query, id=await brought_to(api, *steps))
            for move in shown["ticket"]["transitions"]:
                answer = await api.ask(actor, MOVE, id=await brought_to(api, *steps), to=move["to"])
                if move["allowed"]:
                    assert answer["data"]["transitionTicket"]["ticket"]["status"] == move["to"]
                else:
                    assert answer["errors"][0]["extensions"]["reason"] == move["reason"]


async def test_one_key_opens_one_ticket(api: Api) -> None:
    first = await opened(api, key="k1")
    assert await opened(api, key="k1") == first
    conflict = await api.refusal(ANNA, CREATE, title="Another", key="k1")
    assert (conflict["code"], conflict["status"]) == ("idempotency_conflict", 409)


async def test_one_key_moves_a_ticket_once(api: Api) -> None:
    ticket = await brought_to(api, "IN_PROGRESS")
    first = await api.data(MARTON, MOVE, id=ticket, to="RESOLVED", key="k1")
    await api.data(ANNA, MOVE, id=ticket, to="CLOSED")
    assert await api.data(MARTON, MOVE, id=ticket, to="RESOLVED", key="k1") == first


async def test_the_list_is_walked_by_its_cursors(api: Api) -> None:
    made = [await opened(api, title=f"No. {n}") for n in range(5)]
    query = """
    query ($after: String) {
      tickets(first: 2, after: $after) {
        nodes { id requester { name } } edges { cursor node { id } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
    """
    seen, after, more = [], None, True
    while more:
        page = (await api.data(MARTON, query, after=after))["tickets"]
        seen += [node["id"] for node in page["nodes"]]
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        assert page["edges"][-1]["cursor"] == page["pageInfo"]["endCursor"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert seen == made[::-1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("first: 0", "1 to 100"),
        ('after: "x"', "cursor"),
        ('after: "MjAyNi0wNC0yOCB0awA="', "cursor"),
        ('after: "é"', "cursor"),
    ],
)
async def test_a_page_that_is_none_is_refused(api: Api, arguments: str, words: str) -> None:
    answer = await api.ask(ANNA, f"{{ tickets({arguments}) {{ nodes {{ id }} }} }}")
    assert words in answer["errors"][0]["message"]
    assert answer["errors"][0]["extensions"]["code"] == "invalid_input"


async def test_people_are_known_by_their_tokens(api: Api) -> None:
    ticket = await opened(api)
    query = "query ($id: ID!) { ticket(id: $id) { assignee { id name } } }"
    await api.data(MARTON, ASSIGN, id=ticket, to="u_new")
    assert (await api.data(ANNA, query, id=ticket))["ticket"]["assignee"]["name"] == "u_new"
    newcomer = Actor("u_new", "Nora N.", frozenset({"b", "a"}))
    viewer = await api.data(newcomer, "{ viewer { id name groups admin } }")
    assert viewer["viewer"] == {
        "id": "u_new",
        "name": "Nora N.",
        "groups": ["a", "b"],
        "admin": False,
    }
    assert (await api.data(ANNA, query, id=ticket))["ticket"]["assignee"]["name"] == "Nora N."


async def test_workflows_are_shown(api: Api, snapshot: SnapshotAssertion) -> None:
    query = """
    {
      workflows { name displayName retired transitions { from to role } }
      workflow(name: "incident_response") { mermaid: graph svg: graph(format: SVG) }
    }
    """
    assert await api.data(ANNA, query) == snapshot
    unknown = await api.ask(ANNA, '{ workflow(name: "incident") { name } }')
    assert "Did you mean" in unknown["errors"][0]["message"]


async def test_without_a_token_there_is_no_answer(client: Client) -> None:
    async with client.post("/graphql", json={"query": "{ viewer { id } }"}) as response:
        assert response.status == 401
        [error] = (await response.json())["errors"]
    assert error["extensions"]["code"] == "unauthenticated"


async def test_an_invalid_document_is_refused(client: Client) -> None:
    body = {"query": "{ ticket { nothing } }"}
    async with client.post("/graphql", json=body, headers=bearer(ANNA)) as response:
        answer = await response.json()
    assert response.status == 422
    assert "data" not in answer
    assert {each["extensions"]["code"] for each in answer["errors"]} == {
        "graphql_validation_failed"
    }
