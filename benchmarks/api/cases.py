"""The cases: the same four requests for every server, each in its own format."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from benchmarks.ticket_load import COMMAND, REQUESTER, TicketSet, tickets_of_writer
from engine.vocabulary import Status

_FIELDS: Final = """
    id title description status priority workflow version createdAt updatedAt assigneeGroup
    requester { id name } assignee { id name }
"""
_TICKET: Final = f"query ($id: ID!) {{ ticket(id: $id) {{ {_FIELDS} }} }}"
_LIST: Final = f"query ($first: Int!) {{ tickets(first: $first) {{ nodes {{ {_FIELDS} }} }} }}"
_TRANSITION: Final = """
mutation ($id: ID!, $to: Status!) {
  transitionTicket(id: $id, to: $to) { ticket { id status version updatedAt } }
}
"""
_CREATE: Final = """
mutation ($title: String!, $description: String!, $workflow: String!, $assignee: ID) {
  createTicket(
    title: $title, description: $description, workflow: $workflow, assignee: $assignee
  ) { ticket { id status version updatedAt } }
}
"""
_PAGE: Final = 50
_READS: Final = 1_200
_LISTS: Final = 150
_TRANSITIONS: Final = 600
_CREATIONS: Final = 300


class HttpRequest(NamedTuple):
    """A request."""

    method: str
    path: str
    body: bytes = b""


Variables = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of request.

    Attributes:
        name: the name in the results.
        document: the GraphQL document.
        path: the path of the bare handler.
        passes: the variables of the requests of a round; a pass starts when the last has ended.
        rest: makes a request of the REST API; None if it does not support the case.

    """

    name: str
    document: str
    path: str
    passes: Sequence[Sequence[Variables]]
    rest: Callable[[Variables], HttpRequest] | None = None

    def by_graphql(self, variables: Variables) -> HttpRequest:
        """Return a GraphQL request."""
        body = orjson.dumps({"query": self.document, "variables": variables})
        return HttpRequest("POST", "/graphql", body)

    def of_bare(self, variables: Variables) -> HttpRequest:
        """Return a request of the bare handler."""
        return HttpRequest("POST", self.path, orjson.dumps(variables))


_PLAIN: Final = tickets_of_writer(TicketSet.PLAIN, 0, 1)
_NEW: Final = COMMAND.model_dump(include={"title", "description", "workflow"}) | {
    "assignee": REQUESTER.id
}
"""A ticket like the existing ones, which the assignee opens for the requester."""


def _transitions(status: Status) -> list[Variables]:
    """Return transitions of the same tickets to a status."""
    return [{"id": each, "to": status.value} for each in _PLAIN[:_TRANSITIONS]]


CASES: Final = (
    Case(
        "ticket",
        _TICKET,
        "/ticket",
        [[{"id": each} for each in _PLAIN[:_READS]]],
        lambda variables: HttpRequest("GET", f"/api/v1/tickets/{variables['id']}"),
    ),
    Case("list of 50", _LIST, "/list", [[{"first": _PAGE}] * _LISTS]),
    Case(
        "transition",
        _TRANSITION,
        "/transition",
        [_transitions(Status.RESOLVED), _transitions(Status.IN_PROGRESS)],
        lambda variables: HttpRequest(
            "POST",
            f"/api/v1/tickets/{variables['id']}/transitions",
            orjson.dumps({"to": variables["to"]}),
        ),
    ),
    Case(
        "creation",
        _CREATE,
        "/create",
        [[_NEW] * _CREATIONS],
        lambda variables: HttpRequest("POST", "/api/v1/tickets", orjson.dumps(variables)),
    ),
)
"""Creation is last, so that every list of a round returns the same tickets."""
