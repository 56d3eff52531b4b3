"""What is asked: the same four things of every server, each in its own language."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from benchmarks.ticket_load import COMMAND, REQUESTER, TicketSet, tickets_of_writer
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
MOVES: Final = 600
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
        passes: the variables of each request of a round; a pass begins when the last has ended.
        rest: how Interlock is asked by REST; None if it can't be.

    """

    name: str
    document: str
    path: str
    passes: Sequence[Sequence[Variables]]
    rest: Callable[[Variables], Asked] | None = None

    def by_graphql(self, variables: Variables) -> Asked:
        """Return the request of GraphQL."""
        body = orjson.dumps({"query": self.document, "variables": variables})
        return Asked("POST", "/graphql", body)

    def of_bare(self, variables: Variables) -> Asked:
        """Return the request of the bare handler."""
        return Asked("POST", self.path, orjson.dumps(variables))


PLAIN: Final = tickets_of_writer(TicketSet.PLAIN, 0, 1)
NEW: Final = COMMAND.model_dump(include={"title", "description", "workflow"}) | {
    "assignee": REQUESTER.id
}
"""A ticket like those that are there already, by the assignee for the requester."""


def moves(status: Status) -> list[Variables]:
    """Return moves of the same tickets to a status."""
    return [{"id": each, "to": status.value} for each in PLAIN[:MOVES]]


CASES: Final = (
    Case(
        "ticket",
        TICKET,
        "/ticket",
        [[{"id": each} for each in PLAIN[:READS]]],
        lambda asked: Asked("GET", f"/api/v1/tickets/{asked['id']}"),
    ),
    Case("list of 50", LIST, "/list", [[{"first": PAGE}] * LISTS]),
    Case(
        "transition",
        MOVE,
        "/move",
        [moves(Status.RESOLVED), moves(Status.IN_PROGRESS)],
        lambda asked: Asked(
            "POST", f"/api/v1/tickets/{asked['id']}/transitions", orjson.dumps({"to": asked["to"]})
        ),
    ),
    Case(
        "creation",
        CREATE,
        "/create",
        [[NEW] * CREATIONS],
        lambda asked: Asked("POST", "/api/v1/tickets", orjson.dumps(asked)),
    ),
)
"""Creation comes last: every list of a round finds the same tickets, whoever is asked."""
