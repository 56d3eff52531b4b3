"""The history of tickets, page by page."""

from base64 import urlsafe_b64encode
from typing import Any

import pytest

from engine.tickets.actor import Actor
from tests.api.graphql.resolvers.test_internal_notes import NOTE
from tests.api.graphql.resolvers.test_tickets import COMMENT, opened
from tests.support.api_client import Api
from tests.support.personas import ANNA, MARTON

PAGE = """
query ($id: ID!, $kinds: [HistoryKind!], $first: Int, $after: String, $last: Int, $before: String) {
  ticket(id: $id) {
    history(kinds: $kinds, first: $first, after: $after, last: $last, before: $before) {
      nodes { seq }
      edges { cursor node { seq } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}
"""
LISTS = """
query ($last: Int!) {
  tickets(orderBy: {field: CREATED_AT, direction: ASC}) {
    nodes { history(last: $last) { nodes { comment } pageInfo { hasPreviousPage } } }
  }
}
"""


@pytest.fixture
async def ticket(api: Api) -> str:
    """Return a ticket with a history of six entries, of which 3 and 5 are notes."""
    made = await opened(api)
    for seq in range(2, 7):
        await api.data(MARTON, NOTE if seq in (3, 5) else COMMENT, id=made, text=f"{seq}")
    return made


async def page(api: Api, actor: Actor, ticket: str, **asked: object) -> dict[str, Any]:
    shown = await api.data(actor, PAGE, id=ticket, **asked)
    found: dict[str, Any] = shown["ticket"]["history"]
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
    "just all": (MARTON, {"first": 6}, [1, 2, 3, 4, 5, 6], (False, False)),
    "full without notes": (ANNA, {"first": 3}, [1, 2, 4], (False, True)),
    "full from the end without notes": (ANNA, {"last": 3}, [2, 4, 6], (True, False)),
    "all but notes": (ANNA, {"first": 4}, [1, 2, 4, 6], (False, False)),
    "full of some kinds": (MARTON, {"kinds": ["NOTE"], "first": 1}, [3], (False, True)),
    "notes for others": (ANNA, {"kinds": ["NOTE"], "first": 1}, [], (False, False)),
    "no kinds": (MARTON, {"kinds": []}, [], (False, False)),
}


@pytest.mark.parametrize(("actor", "asked", "seqs", "more"), PAGES.values(), ids=PAGES)
async def test_a_page_is_full_of_what_may_be_seen(
    api: Api,
    ticket: str,
    actor: Actor,
    asked: dict[str, object],
    seqs: list[int],
    more: tuple[bool, bool],
) -> None:
    found = await page(api, actor, ticket, **asked)
    info = found["pageInfo"]
    assert numbers(found) == seqs
    assert (info["hasPreviousPage"], info["hasNextPage"]) == more


@pytest.mark.parametrize(
    ("size", "bound", "end"), [("first", "after", "endCursor"), ("last", "before", "startCursor")]
)
async def test_pages_from_either_end_make_the_whole(
    api: Api, ticket: str, size: str, bound: str, end: str
) -> None:
    seen: list[int] = []
    cursor = None
    while True:
        found = await page(api, ANNA, ticket, **{size: 3, bound: cursor})
        seen += numbers(found)
        cursor = found["pageInfo"][end]
        if not found["pageInfo"]["hasNextPage" if size == "first" else "hasPreviousPage"]:
            break
        await api.data(MARTON, NOTE, id=ticket, text="Meanwhile")
    assert sorted(seen) == [1, 2, 4, 6]


async def test_what_lies_between_two_cursors_is_a_page(api: Api, ticket: str) -> None:
    first, *_, last = (await page(api, MARTON, ticket))["edges"]
    between = {"after": first["cursor"], "before": last["cursor"]}
    assert numbers(await page(api, MARTON, ticket, **between)) == [2, 3, 4, 5]
    assert numbers(await page(api, MARTON, ticket, last=1, **between)) == [5]


async def test_tickets_in_a_list_have_a_page_each(api: Api) -> None:
    for name in ("a", "b"):
        made = await opened(api)
        for number in range(3):
            await api.data(ANNA, COMMENT, id=made, text=f"{name}{number}")
    found = (await api.data(ANNA, LISTS, last=2))["tickets"]["nodes"]
    pages = [[each["comment"] for each in one["history"]["nodes"]] for one in found]
    assert pages == [["a1", "a2"], ["b1", "b2"]]
    assert all(one["history"]["pageInfo"]["hasPreviousPage"] for one in found)


NO_PAGES: dict[str, tuple[dict[str, object], str]] = {
    "first and last": ({"first": 1, "last": 1}, "both `first` and `last`"),
    "none": ({"first": 0}, "first must be 1 to 100, not 0."),
    "less than none": ({"last": -1}, "last must be 1 to 100, not -1."),
    "no cursor": ({"after": "?"}, "Invalid cursor"),
    "no text": ({"before": "gA=="}, "Invalid cursor"),
    "a number that no entry has": (
        {"after": urlsafe_b64encode(b"99999999999").decode()},
        "Invalid cursor",
    ),
    "before the first": ({"before": urlsafe_b64encode(b"0").decode()}, "Invalid cursor"),
}


@pytest.mark.parametrize(("asked", "words"), NO_PAGES.values(), ids=NO_PAGES)
async def test_what_is_no_page_is_refused(
    api: Api, ticket: str, asked: dict[str, object], words: str
) -> None:
    [error] = (await api.ask(ANNA, PAGE, id=ticket, **asked))["errors"]
    assert words in error["message"]
    assert error["extensions"]["code"] == "invalid_input"
