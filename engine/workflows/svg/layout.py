"""Where everything in the drawing of a workflow stands; units are those of its view box.

The four statuses never move, so they are laid out by hand: a row at y = 0, in their order. A move
to the next status is a straight line. Any other move forward is an arch above the row, a move back
an arch below it; the more statuses it spans, the further out it runs and the further out its ports
are. So each of the twelve possible moves has a place that no other can need: nothing is moved to
make room, and a declared transition more is a line more in a drawing that stays as it was.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from engine.vocabulary import STATUSES, Status

NODE_WIDTH: Final = 160
NODE_HEIGHT: Final = 56
NODE_PITCH: Final = 312
"""From the middle of a status to the middle of the next."""

PORT_PITCH: Final = 40
ARROW_LENGTH: Final = 10
BELOW: Final = {1: 57, 2: 111, 3: 171}
"""How far below the row a move back runs, by the number of statuses it spans."""

ABOVE: Final = {2: 78, 3: 138}
"""How far above the row a move forward runs."""

START: Final = -NODE_WIDTH // 2 - 48
"""The x of the dot that a new ticket starts from."""

LABEL_HEIGHT: Final = 24
LETTER_WIDTH: Final = 7
LABEL_PADDING: Final = 24
TICK_WIDTH: Final = 14

MARGIN: Final = 40
HEADER_HEIGHT: Final = 100


class Point(NamedTuple):
    """A place."""

    x: int
    y: int


class Box(NamedTuple):
    """A rectangle by its top left corner."""

    x: int
    y: int
    width: int
    height: int


class Route(NamedTuple):
    """The way of one move: a path for its line, and the middle of its label."""

    path: str
    label: Point


def node_box(status: Status) -> Box:
    """Return the place of a status."""
    left = status.ordinal * NODE_PITCH - NODE_WIDTH // 2
    return Box(left, -NODE_HEIGHT // 2, NODE_WIDTH, NODE_HEIGHT)


def label_box(middle: Point, words: str, *, ticked: bool) -> Box:
    """Return the place of a label; `ticked` makes room for a tick before its words."""
    width = LABEL_PADDING + LETTER_WIDTH * len(words) + TICK_WIDTH * ticked
    return Box(middle.x - width // 2, middle.y - LABEL_HEIGHT // 2, width, LABEL_HEIGHT)


def start_line() -> str:
    """Return the path from the dot that a new ticket starts from to the first status."""
    return f"M{START} 0H{node_box(STATUSES[0]).x - ARROW_LENGTH}"


def route(source: Status, target: Status) -> Route:
    """Return the way of a move between two different statuses."""
    return straight(source, target) if is_step(source, target) else arch(source, target)


def is_step(source: Status, target: Status) -> bool:
    """Tell whether a move leads to the next status."""
    return target.ordinal == source.ordinal + 1


def straight(source: Status, target: Status) -> Route:
    """Return the way to the next status; it ends where its arrowhead begins."""
    start = source.ordinal * NODE_PITCH + NODE_WIDTH // 2
    end = target.ordinal * NODE_PITCH - NODE_WIDTH // 2
    return Route(f"M{start} 0H{end - ARROW_LENGTH}", Point((start + end) // 2, 0))


def arch(source: Status, target: Status) -> Route:
    """Return the way over or under the row: a cubic curve that leaves and arrives upright."""
    height = signed_height(source, target)
    border = NODE_HEIGHT // 2 if height > 0 else -NODE_HEIGHT // 2
    arrival = border + (ARROW_LENGTH if height > 0 else -ARROW_LENGTH)
    start, end = port(source, target), port(target, source)
    handle = border + height * 4 // 3  # a cubic curve rises to three quarters of its handles
    path = f"M{start} {border}C{start} {handle} {end} {handle} {end} {arrival}"
    return Route(path, Point((start + end) // 2, border + height))


def signed_height(source: Status, target: Status) -> int:
    """Return how far a move runs from the row: negative above it, positive below."""
    span = target.ordinal - source.ordinal
    return -ABOVE[span] if span > 0 else BELOW[-span]


def port(here: Status, there: Status) -> int:
    """Return the x at which an arch between two statuses touches the first.

    A short arch touches on the near side, a long one on the far side, so that arches nest.
    """
    towards = 1 if there.ordinal > here.ordinal else -1
    span = abs(there.ordinal - here.ordinal)
    return here.ordinal * NODE_PITCH + towards * (2 - span) * PORT_PITCH


def view_box(moves: Iterable[tuple[Status, Status]]) -> Box:
    """Return the part of the plane that these moves need, with the header above them."""
    heights = [
        signed_height(source, target) for source, target in moves if not is_step(source, target)
    ]
    rim = (NODE_HEIGHT + LABEL_HEIGHT) // 2
    top = min([0, *heights]) - rim - HEADER_HEIGHT
    bottom = max([0, *heights]) + rim + MARGIN
    left = START - MARGIN
    right = node_box(STATUSES[-1]).x + NODE_WIDTH + MARGIN
    return Box(left, top, right - left, bottom - top)
