"""Several tickets moved by one request, each for itself."""

from typing import Any

import pytest

from engine.limits import BULK_TICKETS
from tests.api.graphql.resolvers.test_tickets import MOVE, STANDING, brought_to, opened
from tests.support.api_client import Api
from tests.support.personas import ANNA, MARTON

MOVE_ALL = """
mutation ($ids: [ID!]!, $to: Status!, $key: String) {
  transitionTickets(ids: $ids, to: $to, idempotencyKey: $key) {
    results { id ticket { id status version assignee { name } } error { message extensions } }
  }
}
"""


async def outcomes(api: Api, ids: list[str], to: str, **asked: object) -> list[dict[str, Any]]:
    answer = await api.data(MARTON, MOVE_ALL, ids=ids, to=to, **asked)
    each: list[dict[str, Any]] = answer["transitionTickets"]["results"]
    return each


async def test_each_ticket_is_moved_or_refused_for_itself(api: Api) -> None:
    ready, of_others = await brought_to(api), await opened(api)
    done = await brought_to(api, "IN_PROGRESS", "RESOLVED", "CLOSED")
    ids = [of_others, ready, "tk_000000", "nonsense", done]
    found = await outcomes(api, ids, "IN_PROGRESS")
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
    refusals = [each["error"]["extensions"] for each in found if each["error"]]
    assert [each["code"] for each in refusals] == [
        "forbidden_transition",
        "not_found",
        "not_found",
        "forbidden_transition",
    ]
    assert [refusals[0]["reason"], refusals[3]["reason"]] == ["role_required", "ticket_closed"]
    assert [each["ticket"] for each in found if each["error"]] == [None] * 4
    assert (await api.data(ANNA, STANDING, id=of_others))["ticket"]["version"] == 1


async def test_a_refusal_says_what_it_says_for_one_ticket(api: Api) -> None:
    ticket = await opened(api)
    [outcome] = await outcomes(api, [ticket], "RESOLVED")
    alone = (await api.ask(MARTON, MOVE, id=ticket, to="RESOLVED"))["errors"][0]
    assert outcome["error"]["extensions"].pop("requestId")
    assert outcome["error"] == {
        "message": alone["message"],
        "extensions": alone["extensions"],
    }


async def test_one_key_moves_each_ticket_once(api: Api) -> None:
    first, second = await brought_to(api), await brought_to(api)
    before = await outcomes(api, [first], "IN_PROGRESS", key="k1")
    both = await outcomes(api, [first, second], "IN_PROGRESS", key="k1")
    assert both[:1] == before
    assert both[1]["ticket"]["status"] == "IN_PROGRESS"
    assert await outcomes(api, [second, first], "IN_PROGRESS", key="k1") == both[::-1]
    again = await outcomes(api, [first], "IN_PROGRESS")
    assert again[0]["error"]["extensions"]["reason"] == "no_such_transition"
    other = await outcomes(api, [first], "RESOLVED", key="k1")
    assert other[0]["error"]["extensions"]["code"] == "idempotency_conflict"


NO_LISTS: dict[str, tuple[list[str], str]] = {
    "none": ([], "ids: must not be empty"),
    "too many": (
        [f"tk_{number:06x}" for number in range(BULK_TICKETS + 1)],
        "ids: must have at most 100 entries",
    ),
    "one twice": (["tk_00000a", "tk_00000b", "tk_00000a"], "must not contain tk_00000a twice"),
}


@pytest.mark.parametrize(("ids", "words"), NO_LISTS.values(), ids=NO_LISTS)
async def test_a_list_that_is_none_is_refused_whole(api: Api, ids: list[str], words: str) -> None:
    answer = await api.ask(MARTON, MOVE_ALL, ids=ids, to="CLOSED")
    assert words in answer["errors"][0]["message"]
    assert answer["errors"][0]["extensions"]["problems"][0]["field"] == "ids"


async def test_many_tickets_cost_as_many_times_as_much(api: Api) -> None:
    ids = [f"tk_{number:06x}" for number in range(BULK_TICKETS)]
    assert (await api.refusal(MARTON, expensive(18), ids=ids))["limit"] == "cost_points"
    assert "transitionTickets" in await api.data(MARTON, expensive(18), ids=ids[:50])
    assert "transitionTickets" in await api.data(MARTON, expensive(17), ids=ids)


def expensive(fields: int) -> str:
    """Return a mutation that answers that many lists for each ticket."""
    lists = " ".join(f"f{number}: transitions {{ to }}" for number in range(fields))
    return (
        "mutation ($ids: [ID!]!) { transitionTickets(ids: $ids, to: CLOSED)"
        f" {{ results {{ ticket {{ {lists} }} }} }} }}"
    )
