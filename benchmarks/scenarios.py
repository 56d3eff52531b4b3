"""The scenarios of the benchmark of subscriptions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from api.json_encoding import JsonObject
from benchmarks.socket_servers import BARE, OURS
from benchmarks.ticket_load import ASSIGNEE
from engine.storage.history.position import Position

SUBSCRIBERS: Final = 5_000

_FIELDS: Final = "{ entry { seq kind at actor from to } ticket { id title status } position }"
_FILTERED: Final = f"""\
subscription ($filter: TicketChangeFilter, $after: String!) {{
  ticketsChanged(filter: $filter, after: $after) {_FIELDS}
}}"""
_ONE: Final = f"""\
subscription ($id: ID!, $after: String!) {{ ticketChanged(id: $id, after: $after) {_FIELDS} }}"""
_USERS: Final = "status requester { name }"
_TRANSITIONS: Final = f"{_USERS} transitions {{ to allowed }}"
_WITH_USERS: Final = _FILTERED.replace("status }", f"{_USERS} }}")
_WITH_TRANSITIONS: Final = _FILTERED.replace("status }", f"{_TRANSITIONS} }}")


class Scene(NamedTuple):
    """The ids of a ticket that changes and of one that does not, and the latest positions."""

    busy: str
    quiet: str
    positions: Sequence[Position]

    @property
    def after(self) -> Position:
        """The position at the end of the log."""
        return self.positions[-1]


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the subscribers select, and from which server.

    Attributes:
        server: the name of the server.
        subscription: returns the subscription of the subscriber with a number.
        receivers: the number of subscribers that get a change.
        viewers: the number of different users among the subscribers.

    """

    server: str
    subscription: Callable[[int, Scene], JsonObject]
    receivers: int = SUBSCRIBERS
    viewers: int = SUBSCRIBERS


def _to_all(_number: int, scene: Scene) -> JsonObject:
    """Subscribe to all tickets."""
    return {"query": _FILTERED, "variables": {"after": str(scene.after)}}


def _to_all_with_users(_number: int, scene: Scene) -> JsonObject:
    """Subscribe to all tickets, and select names that are read from the database."""
    return {"query": _WITH_USERS, "variables": {"after": str(scene.after)}}


def _to_all_from_different_positions(number: int, scene: Scene) -> JsonObject:
    """Subscribe as `_to_all_with_users`, each after another position, like resumed subscribers."""
    after = scene.positions[number % len(scene.positions)]
    variables: JsonObject = {"filter": {"kinds": ["COMMENT"]}, "after": str(after)}
    return {"query": _WITH_USERS, "variables": variables}


def _to_all_with_transitions(_number: int, scene: Scene) -> JsonObject:
    """Subscribe to all tickets, and select fields that depend on the viewer."""
    return {"query": _WITH_TRANSITIONS, "variables": {"after": str(scene.after)}}


def _to_one(number: int, scene: Scene) -> JsonObject:
    """Subscribe to one ticket: one subscriber to the one that changes, all others to the other."""
    ticket = scene.quiet if number else scene.busy
    return {"query": _ONE, "variables": {"id": ticket, "after": str(scene.after)}}


def _to_tickets_of_one_user(number: int, scene: Scene) -> JsonObject:
    """Subscribe to the open tickets of one user, each subscriber to those of another user."""
    user = f"u_{number}" if number else ASSIGNEE.id
    conditions: JsonObject = {"assignee": user, "status": ["OPEN"]}
    return {"query": _FILTERED, "variables": {"filter": conditions, "after": str(scene.after)}}


SCENARIOS: Final = {
    "bare aiohttp": Scenario(BARE, _to_all),
    "all tickets": Scenario(OURS, _to_all),
    "all, with users": Scenario(OURS, _to_all_with_users),
    "all, with users, from different positions": Scenario(OURS, _to_all_from_different_positions),
    "all, with transitions": Scenario(OURS, _to_all_with_transitions),
    "all, with transitions, one viewer": Scenario(OURS, _to_all_with_transitions, viewers=1),
    "one ticket each": Scenario(OURS, _to_one, receivers=1),
    "the tickets of one user each": Scenario(OURS, _to_tickets_of_one_user, receivers=1),
}
