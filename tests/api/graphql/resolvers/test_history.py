"""Pages of the history of tickets."""

from base64 import urlsafe_b64encode
from typing import Any

import pytest

from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import CommentTicket
from tests.api.graphql.resolvers.test_internal_notes import NOTE
from tests.api.graphql.resolvers.test_tickets import COMMENT, opened
from tests.support.api_client import Api
from tests.support.personas import ANNA, MARTON

PAGE = """
query ($id: ID!, $kinds: [HistoryKind!], $first: Int, $after: String, $last: Int, $before: String) {
  ticket(id: $id) {
    historyConnection(kinds: $kinds, first: $first, after: $after, last: $last, before: $before) {
      nodes { seq }
      edges { cursor node { seq } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}
"""
EDIT = """
mutation ($id: ID!, $description: String!) {
  updateTicket(id: $id, description: $description) { ticket { id } }
}
"""
LATEST = "query ($id: ID!, $last: Int) { ticket(id: $id) { history(last: $last) { seq } } }"
LISTS = """
query ($last: Int!) {
  tickets(orderBy: {field: CREATED_AT, direction: ASC}) {
    nodes { historyConnection(last: $last) { nodes { comment } pageInfo { hasPreviousPage } } }
  }
}
"""


@pytest.fixture
async def ticket(shared_api: Api) -> str:
    """Return a ticket with a history of six entries, of which 3 and 5 are notes."""
    opened_ticket = await opened(shared_api)
    for seq in range(2, 7):
        await shared_api.data(
            MARTON, NOTE if seq in (3, 5) else COMMENT, id=opened_ticket, text=f"{seq}"
        )
    return opened_ticket


async def page(api: Api, actor: Actor, ticket: str, **variables: object) -> dict[str, Any]:
    shown = await api.data(actor, PAGE, id=ticket, **variables)
    found: dict[str, Any] = shown["ticket"]["historyConnection"]
    assert [each["node"] for each in found["edges"]] == found["nodes"]
    cursors = [each["cursor"] for each in found["edges"]]
    ends = (found["pageInfo"]["startCursor"], found["pageInfo"]["endCursor"])
    assert ends == ((cursors[0], cursors[-1]) if cursors else (None, None))
    return found


def numbers(found: dict[str, Any]) -> list[int]:
    return [each["seq"] for each in found["nodes"]]


PAGES: dict[str, tuple[Actor, dict[str, object], list[int], tuple[bool, bool]]] = {
    "all": (MARTON, {}, [1, 2, 3, 4, 5, 6], (False, False)),
    "the first": (MARTON, {"first": 2}, [1, 2], (False, True)),
    "the latest": (MARTON, {"last": 2}, [5, 6], (True, False)),
    "exactly all": (MARTON, {"first": 6}, [1, 2, 3, 4, 5, 6], (False, False)),
    "a full page without notes": (ANNA, {"first": 3}, [1, 2, 4], (False, True)),
    "a full page from the end without notes": (ANNA, {"last": 3}, [2, 4, 6], (True, False)),
    "all without notes": (ANNA, {"first": 4}, [1, 2, 4, 6], (False, False)),
    "a full page of one kind": (MARTON, {"kinds": ["NOTE"], "first": 1}, [3], (False, True)),
    "notes that cannot be read": (ANNA, {"kinds": ["NOTE"], "first": 1}, [], (False, False)),
    "no kinds": (MARTON, {"kinds": []}, [], (False, False)),
}


@pytest.mark.parametrize(("actor", "variables", "seqs", "more"), PAGES.values(), ids=PAGES)
async def test_a_page_is_filled_with_readable_entries(
    shared_api: Api,
    ticket: str,
    actor: Actor,
    variables: dict[str, object],
    seqs: list[int],
    more: tuple[bool, bool],
) -> None:
    found = await page(shared_api, actor, ticket, **variables)
    info = found["pageInfo"]
    assert numbers(found) == seqs
    assert (info["hasPreviousPage"], info["hasNextPage"]) == more


@pytest.mark.parametrize(
    ("size", "bound", "end"), [("first", "after", "endCursor"), ("last", "before", "startCursor")]
)
async def test_pages_from_either_end_contain_all_entries(
    shared_api: Api, ticket: str, size: str, bound: str, end: str
) -> None:
    seen: list[int] = []
    cursor = None
    while True:
        found = await page(shared_api, ANNA, ticket, **{size: 3, bound: cursor})
        seen += numbers(found)
        cursor = found["pageInfo"][end]
        if not found["pageInfo"]["hasNextPage" if size == "first" else "hasPreviousPage"]:
            break
        await shared_api.data(MARTON, NOTE, id=ticket, text="Meanwhile")
    assert sorted(seen) == [1, 2, 4, 6]


async def test_a_page_can_be_between_two_cursors(shared_api: Api, ticket: str) -> None:
    first, *_, last = (await page(shared_api, MARTON, ticket))["edges"]
    between = {"after": first["cursor"], "before": last["cursor"]}
    assert numbers(await page(shared_api, MARTON, ticket, **between)) == [2, 3, 4, 5]
    assert numbers(await page(shared_api, MARTON, ticket, last=1, **between)) == [5]


async def test_each_ticket_of_a_list_has_its_page(api: Api) -> None:
    for name in ("a", "b"):
        ticket = await opened(api)
        for number in range(3):
            await api.data(ANNA, COMMENT, id=ticket, text=f"{name}{number}")
    found = (await api.data(ANNA, LISTS, last=2))["tickets"]["nodes"]
    pages = [[each["comment"] for each in one["historyConnection"]["nodes"]] for one in found]
    assert pages == [["a1", "a2"], ["b1", "b2"]]
    assert all(one["historyConnection"]["pageInfo"]["hasPreviousPage"] for one in found)


INVALID_PAGES: dict[str, tuple[dict[str, object], str]] = {
    "first and last": ({"first": 1, "last": 1}, "both `first` and `last`"),
    "zero": ({"first": 0}, "first must be 1 to 100, not 0."),
    "negative": ({"last": -1}, "last must be 1 to 100, not -1."),
    "not a cursor": ({"after": "?"}, "The cursor is invalid"),
    "not text": ({"before": "gA=="}, "The cursor is invalid"),
    "a number that is too large": (
        {"after": urlsafe_b64encode(b"99999999999").decode()},
        "The cursor is invalid",
    ),
    "a number that is too small": (
        {"before": urlsafe_b64encode(b"0").decode()},
        "The cursor is invalid",
    ),
}


@pytest.mark.parametrize(("variables", "message"), INVALID_PAGES.values(), ids=INVALID_PAGES)
async def test_an_invalid_page_is_refused(
    shared_api: Api, ticket: str, variables: dict[str, object], message: str
) -> None:
    [error] = (await shared_api.ask(ANNA, PAGE, id=ticket, **variables))["errors"]
    assert message in error["message"]
    assert error["extensions"]["code"] == "invalid_input"


async def test_the_documented_selection_of_a_history_is_answered_in_its_order(
    shared_api: Api, ticket: str
) -> None:
    query = "query ($id: ID!) { ticket(id: $id) { history { at actor from to } } }"
    shown = await shared_api.data(ANNA, query, id=ticket)
    entries = shown["ticket"]["history"]
    assert all(list(entry) == ["at", "actor", "from", "to"] for entry in entries)
    assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)
    assert [(each["actor"], each["from"], each["to"]) for each in entries] == [
        (ANNA.id, None, "OPEN"),
        *[(MARTON.id, None, None)] * 3,
    ]


LATEST_ENTRIES: dict[str, tuple[Actor, int | None, list[int]]] = {
    "all by default": (MARTON, None, [1, 2, 3, 4, 5, 6]),
    "the latest": (MARTON, 2, [5, 6]),
    "the latest without notes": (ANNA, 3, [2, 4, 6]),
    "more than exist": (MARTON, 1_000, [1, 2, 3, 4, 5, 6]),
}


@pytest.mark.parametrize(("actor", "last", "seqs"), LATEST_ENTRIES.values(), ids=LATEST_ENTRIES)
async def test_the_latest_entries_are_returned_oldest_first(
    shared_api: Api, ticket: str, actor: Actor, last: int | None, seqs: list[int]
) -> None:
    shown = await shared_api.data(actor, LATEST, id=ticket, last=last)
    assert [entry["seq"] for entry in shown["ticket"]["history"]] == seqs


async def test_the_default_is_the_latest_hundred_entries(api: Api, database: Database) -> None:
    ticket = await opened(api)
    store = TicketStore(database)
    for number in range(2, 103):
        await store.comment(ANNA, CommentTicket(ticket=ticket, text=f"{number}"))
    shown = await api.data(ANNA, LATEST, id=ticket)
    assert [entry["seq"] for entry in shown["ticket"]["history"]] == list(range(3, 103))


@pytest.mark.parametrize("last", [0, -1, 1_001])
async def test_the_number_of_latest_entries_is_checked(
    shared_api: Api, ticket: str, last: int
) -> None:
    refused = await shared_api.refusal(MARTON, LATEST, id=ticket, last=last)
    assert refused["field"] == "last"


TEXTS = {
    "excerpts": "from to",
    "whole texts": "from to fullFrom fullTo",
    "whole texts in a fragment": "from to ...Whole ... on HistoryEntry { fullTo }",
}


@pytest.mark.parametrize("fields", TEXTS.values(), ids=TEXTS)
async def test_a_description_is_cut_unless_its_whole_text_is_selected(
    shared_api: Api, fields: str
) -> None:
    ticket = await opened(shared_api)
    old, new = "a" * 1_500, "b" * 2_000
    for text in (old, new):
        await shared_api.data(ANNA, EDIT, id=ticket, description=text)
    query = f"query ($id: ID!) {{ ticket(id: $id) {{ history(last: 1) {{ {fields} }} }} }}"
    fragment = "fragment Whole on HistoryEntry { fullFrom }" if "...Whole" in fields else ""
    [entry] = (await shared_api.data(ANNA, query + fragment, id=ticket))["ticket"]["history"]
    assert (entry.pop("from"), entry.pop("to")) == (old[:1_000], new[:1_000])
    assert entry in ({}, {"fullFrom": old, "fullTo": new})


async def test_the_default_sizes_of_lists_are_within_the_default_limits(shared_api: Api) -> None:
    query = "{ tickets { nodes { id title history { at actor kind from to } } } }"
    await shared_api.data(ANNA, query)


async def test_an_operation_that_costs_too_much_names_the_costliest_list(shared_api: Api) -> None:
    query = "{{ tickets(first: 100) {{ nodes {{ id entries: {} {{ at actor from to }} }} }} }}"
    refused = await shared_api.refusal(ANNA, query.format("history"))
    assert refused["field"] == "tickets.nodes.entries"
    assert refused["remedy"].startswith("history(last: ")
    await shared_api.data(ANNA, query.format(refused["remedy"]))
