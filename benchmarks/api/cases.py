"""What is asked: the same four things of every server, each in its own language."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Final, NamedTuple

import orjson

from benchmarks.fleet import FORM, REQUESTER, Fleet, share
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
CREATE: Final = """
mutation ($title: String!, $description: String!, $workflow: String!, $assignee: ID) {
  createTicket(
    title: $title, description: $description, workflow: $workflow, assignee: $assignee
  ) { ticket { id status version updatedAt } }
}
"""
PAGE: Final = 50
READS: Final = 1_200
LISTS: Final = 150
MOVES: Final = 1_200
CREATIONS: Final = 300


class Asked(NamedTuple):
    """A request of HTTP."""

    method: str
    path: str
    body: bytes = b""


Variables = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of request.

    Attributes:
        name: as it is shown.
        document: of GraphQL.
        path: of the bare handler.
        variables: returns those of the next round of requests.
        rest: how Interlock is asked by REST; None if it can't be.

    """

    name: str
    document: str
    path: str
    variables: Callable[[], list[Variables]]
    rest: Callable[[Variables], Asked] | None = None

    def by_graphql(self, variables: Variables) -> Asked:
        """Return the request of GraphQL."""
        body = orjson.dumps({"query": self.document, "variables": variables})
        return Asked("POST", "/graphql", body)

    def of_bare(self, variables: Variables) -> Asked:
        """Return the request of the bare handler."""
        return Asked("POST", self.path, orjson.dumps(variables))


TARGETS: Final = cycle((Status.RESOLVED, Status.IN_PROGRESS))


def moves() -> list[Variables]:
    """Return moves of tickets, there and the next time back."""
    target = next(TARGETS)
    return [{"id": each, "to": target.value} for each in share(Fleet.PLAIN, 0, 1)[:MOVES]]


def creations() -> list[Variables]:
    """Return tickets like those that are there already, by the assignee for the requester."""
    asked = FORM.model_dump(include={"title", "description", "workflow"})
    return [{**asked, "assignee": REQUESTER.id}] * CREATIONS


CASES: Final = (
    Case(
        "ticket",
        TICKET,
        "/ticket",
        lambda: [{"id": each} for each in share(Fleet.PLAIN, 0, 1)[:READS]],
        lambda asked: Asked("GET", f"/api/v1/tickets/{asked['id']}"),
    ),
    Case("list of 50", LIST, "/list", lambda: [{"first": PAGE}] * LISTS),
    Case(
        "transition",
        MOVE,
        "/move",
        moves,
        lambda asked: Asked(
            "POST", f"/api/v1/tickets/{asked['id']}/transitions", orjson.dumps({"to": asked["to"]})
        ),
    ),
    Case(
        "creation",
        CREATE,
        "/create",
        creations,
        lambda asked: Asked("POST", "/api/v1/tickets", orjson.dumps(asked)),
    ),
)
"""Creation comes last: every list of a round finds the same tickets, whoever is asked."""
