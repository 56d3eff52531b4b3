"""What thousands of subscribers want, and of which server."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from api.json_encoding import JsonObject
from benchmarks.socket_servers import BARE, OURS
from benchmarks.ticket_load import ASSIGNEE
from engine.storage.history.log import Position

SUBSCRIBERS: Final = 5_000

FIELDS: Final = "{ entry { seq kind at actor from to } ticket { id title status } position }"
FILTERED: Final = f"""\
subscription ($filter: TicketChangeFilter, $after: String!) {{
  ticketsChanged(filter: $filter, after: $after) {FIELDS}
}}"""
ONE: Final = f"""\
subscription ($id: ID!, $after: String!) {{ ticketChanged(id: $id, after: $after) {FIELDS} }}"""
PEOPLE: Final = "status requester { name }"
MOVES: Final = f"{PEOPLE} transitions {{ to allowed }}"
WITH_PEOPLE: Final = FILTERED.replace("status }", f"{PEOPLE} }}")
WITH_MOVES: Final = FILTERED.replace("status }", f"{MOVES} }}")


class Scene(NamedTuple):
    """The ids of a ticket that changes and of one that does not, and where subscribers begin."""

    busy: str
    quiet: str
    after: Position


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the subscribers want.

    Attributes:
        server: which one they ask.
        subscription: what the subscriber of that number asks for.
        listeners: how many of them a change concerns.
        viewers: as how many people they are signed in.

    """

    server: str
    subscription: Callable[[int, Scene], JsonObject]
    listeners: int = SUBSCRIBERS
    viewers: int = SUBSCRIBERS


def to_all(_number: int, scene: Scene) -> JsonObject:
    """Subscribe to all tickets."""
    return {"query": FILTERED, "variables": {"after": str(scene.after)}}


def to_all_with_people(_number: int, scene: Scene) -> JsonObject:
    """Subscribe to all tickets, and ask for what only the database knows."""
    return {"query": WITH_PEOPLE, "variables": {"after": str(scene.after)}}


def to_all_from_anywhere(number: int, scene: Scene) -> JsonObject:
    """Subscribe as `to_all_with_people`, each after another position, as who comes back does."""
    after = Position(scene.after.transaction, scene.after.entry - number)
    return {"query": WITH_PEOPLE, "variables": {"after": str(after)}}


def to_all_with_moves(_number: int, scene: Scene) -> JsonObject:
    """Subscribe to all tickets, and ask for what is not the same for everybody."""
    return {"query": WITH_MOVES, "variables": {"after": str(scene.after)}}


def to_one(number: int, scene: Scene) -> JsonObject:
    """Subscribe to one ticket: one subscriber to the busy one, all others to the quiet one."""
    ticket = scene.quiet if number else scene.busy
    return {"query": ONE, "variables": {"id": ticket, "after": str(scene.after)}}


def to_those_of_a_person(number: int, scene: Scene) -> JsonObject:
    """Subscribe to the open tickets of somebody, each of somebody else."""
    person = f"u_{number}" if number else ASSIGNEE.id
    wanted: JsonObject = {"assignee": person, "status": ["OPEN"]}
    return {"query": FILTERED, "variables": {"filter": wanted, "after": str(scene.after)}}


SCENARIOS: Final = {
    "bare aiohttp": Scenario(BARE, to_all),
    "all tickets": Scenario(OURS, to_all),
    "all, with people": Scenario(OURS, to_all_with_people),
    "all, with people, each from elsewhere": Scenario(OURS, to_all_from_anywhere),
    "all, with what one may do": Scenario(OURS, to_all_with_moves),
    "the same, all by one viewer": Scenario(OURS, to_all_with_moves, viewers=1),
    "one ticket each": Scenario(OURS, to_one, listeners=1),
    "the tickets of one person each": Scenario(OURS, to_those_of_a_person, listeners=1),
}
