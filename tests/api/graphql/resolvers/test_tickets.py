"""Tickets in the GraphQL API."""

import re

import pytest
from syrupy.assertion import SnapshotAssertion

from engine.tickets.actor import Actor
from engine.vocabulary import Assignees
from tests.support.api_client import Api, Client, bearer
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

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
    history { seq at actor actorUser { id name } kind from to comment actorRoles }
    workflowDefinition { name displayName retired }
  }
}
"""
TRANSITION = """
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
START = """
mutation ($id: ID!, $comment: String, $internal: Boolean! = false, $version: Int, $key: String) {
  startTicket(id: $id, comment: $comment, internal: $internal, expectedVersion: $version,
              idempotencyKey: $key) {
    ticket { status version assignee { name } history { kind from to comment actorRoles } }
  }
}
"""
RESOLVE = """
mutation ($id: ID!, $text: String, $internal: Boolean! = false) {
  transitionTicket(id: $id, to: RESOLVED, comment: $text, internal: $internal) {
    ticket { status version history(last: 2) { kind comment to } }
  }
}
"""
TRANSFER = """
mutation ($id: ID!, $group: String, $version: Int, $key: String) {
  transferTicket(id: $id, assigneeGroup: $group, expectedVersion: $version, idempotencyKey: $key) {
    ticket { assignee { id } assigneeGroup version history(last: 2) { kind from to } }
  }
}
"""
TICKET_STATE = "query ($id: ID!) { ticket(id: $id) { status version updatedAt history { seq } } }"


async def opened(api: Api, **changes: object) -> str:
    variables = {"title": "Payments fail", "group": "payment-team"} | changes
    created = await api.data(ANNA, CREATE, **variables)
    ticket: str = created["createTicket"]["ticket"]["id"]
    return ticket


async def ticket_after(api: Api, *statuses: str) -> str:
    """Return a ticket that Anna opened and Marton works on, after transitions to these statuses."""
    ticket = await opened(api)
    await api.data(MARTON, ASSIGN, id=ticket, to=MARTON.id)
    for to in statuses:
        await api.data(ANNA if to == "CLOSED" else MARTON, TRANSITION, id=ticket, to=to)
    return ticket


async def test_a_ticket_passes_through_all_statuses(api: Api, snapshot: SnapshotAssertion) -> None:
    ticket = await ticket_after(api, "IN_PROGRESS", "RESOLVED", "CLOSED")
    await api.data(ANNA, COMMENT, id=ticket, text="Thank you!")
    shown = (await api.data(ANNA, TICKET, id=ticket))["ticket"]
    assert re.fullmatch(r"tk_[0-9a-f]{32}", shown["id"])
    assert TIMESTAMP.fullmatch(shown["createdAt"])
    assert masked(shown) == snapshot


def masked(value: object) -> object:
    """Return a response without values that differ between runs."""
    if isinstance(value, dict):
        return {name: masked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [masked(each) for each in value]
    is_random = isinstance(value, str) and (TIMESTAMP.fullmatch(value) or value.startswith("tk_"))
    return "…" if is_random else value


REFUSED: dict[str, tuple[Actor, str, dict[str, object], dict[str, object]]] = {
    "a transition that requires another role": (
        ANNA,
        TRANSITION,
        {"to": "IN_PROGRESS"},
        {"code": "forbidden_transition", "status": 403, "reason": "role_required"}
        | {"allowedRoles": ["assignee"], "actorRoles": ["requester"], "availableStatuses": []},
    ),
    "an undeclared transition": (
        MARTON,
        TRANSITION,
        {"to": "CLOSED"},
        {"code": "forbidden_transition", "reason": "no_such_transition"}
        | {"shortestPath": ["OPEN", "IN_PROGRESS", "RESOLVED", "CLOSED"]},
    ),
    "a stale version": (
        MARTON,
        TRANSITION,
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
    "assigning without an assignee": (
        MARTON,
        "mutation ($id: ID!) { assignTicket(id: $id) { ticket { id } } }",
        {},
        {"code": "invalid_input", "status": 400}
        | {"problems": [{"field": "assignee", "message": "is missing"}]},
    ),
    "starting as the requester of a ticket with a group": (
        ANNA,
        START,
        {},
        {"code": "forbidden", "status": 403, "reason": "role_required"}
        | {"allowedRoles": ["admin", "assignee", "group_member"], "holds": ["requester"]},
    ),
    "starting a stale version": (
        MARTON,
        START,
        {"version": 1},
        {"code": "version_conflict", "status": 409, "expectedVersion": 1, "currentVersion": 2},
    ),
    "a note without a text": (
        MARTON,
        RESOLVE,
        {"internal": True},
        {"code": "invalid_input"}
        | {"problems": [{"field": "internal", "message": "must not be true without a comment"}]},
    ),
    "an undeclared transition with a comment": (
        MARTON,
        RESOLVE,
        {"text": "Done"},
        {"code": "forbidden_transition", "reason": "no_such_transition"},
    ),
    "transferring as the requester of a ticket with a group": (
        ANNA,
        TRANSFER,
        {"group": "network-team"},
        {"code": "forbidden", "status": 403, "reason": "role_required"}
        | {"allowedRoles": ["admin", "assignee", "group_member"], "holds": ["requester"]},
    ),
    "transferring without a group": (
        MARTON,
        "mutation ($id: ID!) { transferTicket(id: $id) { ticket { id } } }",
        {},
        {"code": "invalid_input", "status": 400}
        | {"problems": [{"field": "assigneeGroup", "message": "is missing"}]},
    ),
    "editing as an uninvolved user": (
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
        TRANSITION,
        {"to": "DONE"},
        {"code": "invalid_variables", "status": 422},
    ),
}


@pytest.mark.parametrize(("actor", "query", "variables", "expected"), REFUSED.values(), ids=REFUSED)
async def test_a_refused_change_has_a_reason_and_changes_nothing(
    api: Api, actor: Actor, query: str, variables: dict[str, object], expected: dict[str, object]
) -> None:
    ticket = await ticket_after(api)
    before = await api.data(ANNA, TICKET_STATE, id=ticket)
    extensions = await api.refusal(actor, query, id=ticket, **variables)
    assert extensions | expected == extensions
    assert await api.data(ANNA, TICKET_STATE, id=ticket) == before


async def test_a_closed_ticket_accepts_only_comments(api: Api) -> None:
    ticket = await ticket_after(api, "IN_PROGRESS", "RESOLVED", "CLOSED")
    transitioned = await api.refusal(ANNA, TRANSITION, id=ticket, to="IN_PROGRESS")
    assert (transitioned["code"], transitioned["reason"]) == (
        "forbidden_transition",
        "ticket_closed",
    )
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
    assert (await api.refusal(ANNA, TRANSITION, id="tk_000000", to="CLOSED"))["code"] == "not_found"


async def test_transitions_depend_on_the_viewer(api: Api) -> None:
    ticket = await ticket_after(api, "IN_PROGRESS", "RESOLVED")
    query = (
        "query ($id: ID!) { ticket(id: $id) { transitions { to allowed reason allowedRoles } } }"
    )
    reasons = {
        actor.id: {
            each["to"]: each["reason"]
            for each in (await api.data(actor, query, id=ticket))["ticket"]["transitions"]
        }
        for actor in (ANNA, MARTON, OUTSIDER)
    }
    never = {"OPEN": "no_such_transition", "RESOLVED": "no_such_transition"}
    assert reasons == {
        "u_b1": never | {"IN_PROGRESS": "allowed", "CLOSED": "allowed"},
        "u_c4": never | {"IN_PROGRESS": "allowed", "CLOSED": "role_required"},
        "u_z9": never | {"IN_PROGRESS": "role_required", "CLOSED": "role_required"},
    }


async def test_transitions_agree_with_enforcement(api: Api) -> None:
    query = "query ($id: ID!) { ticket(id: $id) { transitions { to allowed reason } } }"
    for actor in (ANNA, MARTON, ADA, OUTSIDER):
        for steps in ((), ("IN_PROGRESS",), ("IN_PROGRESS", "RESOLVED")):
            shown = await api.data(actor, query, id=await ticket_after(api, *steps))
            for each in shown["ticket"]["transitions"]:
                answer = await api.ask(
                    actor, TRANSITION, id=await ticket_after(api, *steps), to=each["to"]
                )
                if each["allowed"]:
                    assert answer["data"]["transitionTicket"]["ticket"]["status"] == each["to"]
                else:
                    assert answer["errors"][0]["extensions"]["reason"] == each["reason"]


async def test_one_key_opens_one_ticket(api: Api) -> None:
    first = await opened(api, key="k1")
    assert await opened(api, key="k1") == first
    conflict = await api.refusal(ANNA, CREATE, title="Another", key="k1")
    assert (conflict["code"], conflict["status"]) == ("idempotency_conflict", 409)


async def test_one_key_changes_the_status_once(api: Api) -> None:
    ticket = await ticket_after(api, "IN_PROGRESS")
    first = await api.data(MARTON, TRANSITION, id=ticket, to="RESOLVED", key="k1")
    await api.data(ANNA, TRANSITION, id=ticket, to="CLOSED")
    assert await api.data(MARTON, TRANSITION, id=ticket, to="RESOLVED", key="k1") == first


async def test_the_cursors_lead_through_the_whole_list(api: Api) -> None:
    ids = [await opened(api, title=f"No. {n}") for n in range(5)]
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
    assert seen == ids[::-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("first: 0", "1 to 100"),
        ('after: "x"', "cursor"),
        ('after: "MjAyNi0wNC0yOCB0awA="', "cursor"),
        ('after: "é"', "cursor"),
    ],
)
async def test_an_invalid_page_is_refused(api: Api, arguments: str, message: str) -> None:
    answer = await api.ask(ANNA, f"{{ tickets({arguments}) {{ nodes {{ id }} }} }}")
    assert message in answer["errors"][0]["message"]
    assert answer["errors"][0]["extensions"]["code"] == "invalid_input"


async def test_tickets_of_unknown_users_and_groups_are_refused(api: Api) -> None:
    refusal = await api.refusal(ANNA, CREATE, title="T", group="paymnt-team")
    assert (refusal["code"], refusal["group"], refusal["near"]) == (
        "unknown_group",
        "paymnt-team",
        [],  # Anna has no group, so she cannot list the groups of tokens
    )
    ticket = await opened(api)
    refusal = await api.refusal(MARTON, ASSIGN, id=ticket, to="u_b2")
    assert (refusal["code"], refusal["near"][0]) == ("unknown_user", ANNA.id)


@pytest.mark.parametrize("settings", [Assignees.ANY], indirect=True)
async def test_users_have_the_names_in_their_tokens(api: Api) -> None:
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


async def test_workflows_are_returned(api: Api, snapshot: SnapshotAssertion) -> None:
    query = """
    {
      workflows { name displayName retired transitions { from to role } }
      workflow(name: "incident_response") { mermaid: graph svg: graph(format: SVG) }
    }
    """
    assert await api.data(ANNA, query) == snapshot
    unknown = await api.ask(ANNA, '{ workflow(name: "incident") { name } }')
    assert "Did you mean" in unknown["errors"][0]["message"]


async def test_a_request_without_a_token_is_refused(client: Client) -> None:
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


async def test_a_transfer_clears_an_assignee_of_another_group(api: Api) -> None:
    ticket = await ticket_after(api)
    transferred = await api.data(MARTON, TRANSFER, id=ticket, group="network-team", version=2)
    assert transferred["transferTicket"]["ticket"] == {
        "assignee": None,
        "assigneeGroup": "network-team",
        "version": 4,
        "history": [
            {"kind": "ASSIGNEE_GROUP", "from": "payment-team", "to": "network-team"},
            {"kind": "ASSIGNEE", "from": MARTON.id, "to": None},
        ],
    }


async def test_members_of_a_group_can_list_users_and_groups(api: Api) -> None:
    query = """
    query ($search: String) {
      people(group: "payment-team", search: $search) { id name }  # prose: ignore
      groups(search: "TEAM", first: 1) { name }
    }
    """
    expected = {"people": [{"id": MARTON.id, "name": MARTON.name}]}  # prose: ignore
    for search in (None, "", "mar P"):
        answer = await api.data(MARTON, query, search=search)
        assert answer == expected | {"groups": [{"name": "network-team"}]}
    refused = await api.ask(ANNA, query)
    assert [each["extensions"]["code"] for each in refused["errors"]] == ["forbidden"]


async def test_a_ticket_is_started_by_one_mutation(api: Api) -> None:
    ticket = await opened(api)
    variables = {"id": ticket, "comment": "I look into it", "version": 1, "key": "k1"}
    started = (await api.data(MARTON, START, **variables))["startTicket"]["ticket"]
    entry: dict[str, object] = {"from": None, "to": None, "comment": None, "actorRoles": []}
    assert started == {
        "status": "IN_PROGRESS",
        "version": 4,
        "assignee": {"name": "Marton P."},
        "history": [
            entry | {"kind": "CREATED", "to": "OPEN", "actorRoles": ["REQUESTER"]},
            entry | {"kind": "COMMENT", "comment": "I look into it"},
            entry | {"kind": "ASSIGNEE", "to": MARTON.id},
            entry
            | {"kind": "STATUS", "from": "OPEN", "to": "IN_PROGRESS", "actorRoles": ["ASSIGNEE"]},
        ],
    }
    assert (await api.data(MARTON, START, **variables))["startTicket"]["ticket"] == started
    late = await api.refusal(MARTON, START, id=ticket)
    assert (late["code"], late["reason"]) == ("forbidden_transition", "no_such_transition")


@pytest.mark.parametrize("internal", [False, True])
async def test_a_transition_has_a_comment(api: Api, *, internal: bool) -> None:
    ticket = await ticket_after(api, "IN_PROGRESS")
    resolved = await api.data(MARTON, RESOLVE, id=ticket, text="Rolled back", internal=internal)
    assert resolved["transitionTicket"]["ticket"] == {
        "status": "RESOLVED",
        "version": 5,
        "history": [
            {"kind": "NOTE" if internal else "COMMENT", "comment": "Rolled back", "to": None},
            {"kind": "STATUS", "comment": None, "to": "RESOLVED"},
        ],
    }


async def test_a_ticket_is_assigned_to_the_viewer(api: Api) -> None:
    mutation = "mutation ($id: ID!) { assignToMe(id: $id) { ticket { assignee { id } version } } }"
    ticket = await opened(api)
    taken = (await api.data(MARTON, mutation, id=ticket))["assignToMe"]["ticket"]
    assert taken == {"assignee": {"id": MARTON.id}, "version": 2}
    assert (await api.refusal(ANNA, mutation, id=ticket))["reason"] == "role_required"
