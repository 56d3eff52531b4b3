"""What is asked: the same three things of every server."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson

from benchmarks.fleet import Fleet, share
from engine.vocabulary import Status

FIELDS: Final = """
    id title description status priority workflow version createdAt updatedAt assigneeGroup
    requester { id name } assignee { id name }
"""
TICKET: Final = f"query ($id: ID!) {{ ticket(id: $id) {{ {FIELDS} }} }}"
LIST: Final = f"query ($first: Int!) {{ tickets(first: $first) {{ nodes {{ {FIELDS} }} }} }}"
MOVE: Final = """
mutation ($id: ID!, $to: Status!) {
  transitionTicket(id: $id, to: $to) { ticket { id status version updatedAt } }
}
"""
PAGE: Final = 50
READS: Final = 1_000
LISTS: Final = 128
MOVES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of request.

    Attributes:
        name: as it is shown.
        document: of GraphQL.
        path: of the bare handler.
        variables: of a round of requests that lead to a status.

    """

    name: str
    document: str
    path: str
    variables: Callable[[Status], list[dict[str, object]]]

    def bodies(self, target: Status, *, graphql: bool) -> list[bytes]:
        """Return the bodies of a round of requests."""
        asked = self.variables(target)
        if graphql:
            return [orjson.dumps({"query": self.document, "variables": each}) for each in asked]
        return [orjson.dumps(each) for each in asked]


CASES: Final = (
    Case(
        "ticket",
        TICKET,
        "/ticket",
        lambda _: [{"id": each} for each in share(Fleet.PLAIN, 0, 1)[:READS]],
    ),
    Case("list of 50", LIST, "/list", lambda _: [{"first": PAGE}] * LISTS),
    Case(
        "transition",
        MOVE,
        "/move",
        lambda target: [
            {"id": each, "to": target.value} for each in share(Fleet.PLAIN, 0, 1)[:MOVES]
        ],
    ),
)
