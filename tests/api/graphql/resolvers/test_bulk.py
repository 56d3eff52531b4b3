"""Changes of several tickets in one request."""

from typing import Any

import pytest

from engine.limits import BULK_TICKETS
from tests.api.graphql.resolvers.test_tickets import TICKET_STATE, TRANSITION, opened, ticket_after
from tests.support.api_client import Api
from tests.support.personas import ANNA, MARTON

TRANSITION_ALL = """
mutation ($ids: [ID!]!, $to: Status!, $key: String) {
  transitionTickets(ids: $ids, to: $to, idempotencyKey: $key) {
    results { id ticket { id status version assignee { name } } error { message extensions } }
  }
}
"""


TRANSFER_ALL = """
mutation ($ids: [ID!]!, $group: String, $key: String) {
  transferTickets(ids: $ids, assigneeGroup: $group, idempotencyKey: $key) {
    results { id ticket { assigneeGroup version } error { extensions } }
  }
}
"""


async def results(api: Api, ids: list[str], to: str, **variables: object) -> list[dict[str, Any]]:
    answer = await api.data(MARTON, TRANSITION_ALL, ids=ids, to=to, **variables)
    each: list[dict[str, Any]] = answer["transitionTickets"]["results"]
    return each


async def test_each_ticket_is_changed_or_refused_separately(api: Api) -> None:
    ready, unassigned = await ticket_after(api), await opened(api)
    done = await ticket_after(api, "IN_PROGRESS", "RESOLVED", "CLOSED")
    ids = [unassigned, ready, "tk_000000", "nonsense", done, "", "tk_\x00"]
    found = await results(api, ids, "IN_PROGRESS")
    assert [each["id"] for each in found] == ids
    assert found[1] == {
        "id": ready,
        "ticket": {
            "id": ready,
            "status": "IN_PROGRESS",
            "version": 3,
            "assignee": {"name": "Marton P."},
        },
        "error": None,
    }
    errors = [each["error"]["extensions"] for each in found if each["error"]]
    assert [each["code"] for each in errors] == [
        "forbidden_transition",
        "not_found",
        "not_found",
        "forbidden_transition",
        "invalid_input",
        "invalid_input",
    ]
    assert [errors[0]["reason"], errors[3]["reason"]] == ["role_required", "ticket_closed"]
    assert [each["ticket"] for each in found if each["error"]] == [None] * 6
    assert (await api.data(ANNA, TICKET_STATE, id=unassigned))["ticket"]["version"] == 1


async def test_an_error_is_the_same_as_for_a_single_ticket(api: Api) -> None:
    ticket = await opened(api)
    [result] = await results(api, [ticket], "RESOLVED")
    alone = (await api.ask(MARTON, TRANSITION, id=ticket, to="RESOLVED"))["errors"][0]
    assert result["error"]["extensions"].pop("requestId")
    assert result["error"] == {
        "message": alone["message"],
        "extensions": alone["extensions"],
    }


async def test_one_key_changes_each_ticket_once(api: Api) -> None:
    first, second = await ticket_after(api), await ticket_after(api)
    before = await results(api, [first], "IN_PROGRESS", key="k1")
    both = await results(api, [first, second], "IN_PROGRESS", key="k1")
    assert both[:1] == before
    assert both[1]["ticket"]["status"] == "IN_PROGRESS"
    assert await results(api, [second, first], "IN_PROGRESS", key="k1") == both[::-1]
    again = await results(api, [first], "IN_PROGRESS")
    assert again[0]["error"]["extensions"]["reason"] == "no_such_transition"
    other = await results(api, [first], "RESOLVED", key="k1")
    assert other[0]["error"]["extensions"]["code"] == "idempotency_conflict"


INVALID_IDS: dict[str, tuple[list[str], str]] = {
    "empty": ([], "ids: must not be empty"),
    "too many": (
        [f"tk_{number:06x}" for number in range(BULK_TICKETS + 1)],
        "ids: must have at most 100 entries",
    ),
    "repeated": (["tk_00000a", "tk_00000b", "tk_00000a"], "must not contain tk_00000a twice"),
}


@pytest.mark.parametrize(("ids", "message"), INVALID_IDS.values(), ids=INVALID_IDS)
async def test_an_invalid_list_is_refused_as_a_whole(
    api: Api, ids: list[str], message: str
) -> None:
    answer = await api.ask(MARTON, TRANSITION_ALL, ids=ids, to="CLOSED")
    assert message in answer["errors"][0]["message"]
    assert answer["errors"][0]["extensions"]["problems"][0]["field"] == "ids"


async def test_the_cost_grows_with_the_number_of_tickets(api: Api) -> None:
    ids = [f"tk_{number:06x}" for number in range(BULK_TICKETS)]
    assert (await api.refusal(MARTON, expensive(18), ids=ids))["limit"] == "cost_points"
    assert "transitionTickets" in await api.data(MARTON, expensive(18), ids=ids[:50])
    assert "transitionTickets" in await api.data(MARTON, expensive(17), ids=ids)


def expensive(fields: int) -> str:
    """Return a mutation that selects this number of lists for each ticket."""
    lists = " ".join(f"f{number}: transitions {{ to }}" for number in range(fields))
    return (
        "mutation ($ids: [ID!]!) { transitionTickets(ids: $ids, to: CLOSED)"
        f" {{ results {{ ticket {{ {lists} }} }} }} }}"
    )


async def test_tickets_are_transferred_or_refused_separately(api: Api) -> None:
    ready, done = await opened(api), await ticket_after(api, "IN_PROGRESS", "RESOLVED", "CLOSED")
    variables: dict[str, Any] = {"ids": [ready, done, "tk_000000"], "group": "network-team"}
    for _ in range(2):
        answer = await api.data(MARTON, TRANSFER_ALL, **variables, key="k1")
        found = answer["transferTickets"]["results"]
        assert [each["id"] for each in found] == variables["ids"]
        assert found[0]["ticket"] == {"assigneeGroup": "network-team", "version": 2}
        assert [each["error"] and each["error"]["extensions"]["code"] for each in found] == [
            None,
            "ticket_closed",
            "not_found",
        ]


async def test_all_tickets_are_transitioned_with_the_same_comment(api: Api) -> None:
    ids = [await ticket_after(api), await ticket_after(api), await opened(api)]
    mutation = """
    mutation ($ids: [ID!]!) {
      transitionTickets(ids: $ids, to: IN_PROGRESS, comment: "Same outage", internal: true) {
        results { ticket { history(last: 2) { kind comment } } error { message } }
      }
    }
    """
    answer = await api.data(MARTON, mutation, ids=ids)
    found = answer["transitionTickets"]["results"]
    recorded = [{"kind": "NOTE", "comment": "Same outage"}, {"kind": "STATUS", "comment": None}]
    assert [each["ticket"] and each["ticket"]["history"] for each in found] == [
        recorded,
        recorded,
        None,
    ]
    assert (await api.data(ANNA, TICKET_STATE, id=ids[2]))["ticket"]["version"] == 1
