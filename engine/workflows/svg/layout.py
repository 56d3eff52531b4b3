"""The layout of a drawing, in units of its view box.

The statuses have fixed places in a row at y = 0. A transition to the next status is a straight
line, any other transition forward an arch above the row, and a transition back an arch below it.
The more statuses an arch spans, the higher it is and the further apart its ends are. So each of the
twelve possible transitions has its own place, and a new transition adds a line without moving any
other.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from engine.vocabulary import STATUSES, Status

_NODE_WIDTH: Final = 160
_NODE_HEIGHT: Final = 56
_NODE_PITCH: Final = 312
"""The distance between the centres of neighbouring statuses."""

_PORT_PITCH: Final = 40
ARROW_LENGTH: Final = 10
_BELOW: Final = {1: 57, 2: 111, 3: 171}
"""The height of the arch of a transition back, by the number of statuses that it spans."""

_ABOVE: Final = {2: 78, 3: 138}
"""The height of the arch of a transition forward."""

START: Final = -_NODE_WIDTH // 2 - 48
"""The x of the dot from which a new ticket starts."""

_LABEL_HEIGHT: Final = 24
_LETTER_WIDTH: Final = 7
LABEL_PADDING: Final = 24
TICK_WIDTH: Final = 14

MARGIN: Final = 40
_HEADER_HEIGHT: Final = 100


class Point(NamedTuple):
    """A point."""

    x: int
    y: int


class Box(NamedTuple):
    """A rectangle by its top left corner."""

    x: int
    y: int
    width: int
    height: int


class Route(NamedTuple):
    """The path of a transition, and the centre of its label."""

    path: str
    label: Point


def node_box(status: Status) -> Box:
    """Return the box of a status."""
    left = status.ordinal * _NODE_PITCH - _NODE_WIDTH // 2
    return Box(left, -_NODE_HEIGHT // 2, _NODE_WIDTH, _NODE_HEIGHT)


def label_box(middle: Point, text: str, *, ticked: bool) -> Box:
    """Return the box of a label; `ticked` adds room for a check mark."""
    width = LABEL_PADDING + _LETTER_WIDTH * len(text) + TICK_WIDTH * ticked
    return Box(middle.x - width // 2, middle.y - _LABEL_HEIGHT // 2, width, _LABEL_HEIGHT)


def route(source: Status, target: Status) -> Route:
    """Return the route of a transition between two different statuses.

    The line ends where the arrowhead starts. An arch is a cubic curve with vertical ends.
    """
    if _is_step(source, target):
        start = source.ordinal * _NODE_PITCH + _NODE_WIDTH // 2
        end = target.ordinal * _NODE_PITCH - _NODE_WIDTH // 2
        return Route(f"M{start} 0H{end - ARROW_LENGTH}", Point((start + end) // 2, 0))
    height = _signed_height(source, target)
    border = _NODE_HEIGHT // 2 if height > 0 else -_NODE_HEIGHT // 2
    arrival = border + (ARROW_LENGTH if height > 0 else -ARROW_LENGTH)
    start, end = _port(source, target), _port(target, source)
    handle = border + height * 4 // 3  # a cubic curve reaches three quarters of its handles
    path = f"M{start} {border}C{start} {handle} {end} {handle} {end} {arrival}"
    return Route(path, Point((start + end) // 2, border + height))


def _is_step(source: Status, target: Status) -> bool:
    """Return whether a transition leads to the next status."""
    return target.ordinal == source.ordinal + 1


def _signed_height(source: Status, target: Status) -> int:
    """Return the height of an arch: negative above the row, positive below it."""
    span = target.ordinal - source.ordinal
    return -_ABOVE[span] if span > 0 else _BELOW[-span]


def _port(here: Status, there: Status) -> int:
    """Return the x at which an arch between two statuses meets the first one.

    A short arch meets its near side, a long one its far side, so that arches nest.
    """
    towards = 1 if there.ordinal > here.ordinal else -1
    span = abs(there.ordinal - here.ordinal)
    return here.ordinal * _NODE_PITCH + towards * (2 - span) * _PORT_PITCH


def view_box(transitions: Iterable[tuple[Status, Status]]) -> Box:
    """Return the box around the header, the statuses and the given transitions."""
    heights = [
        _signed_height(source, target)
        for source, target in transitions
        if not _is_step(source, target)
    ]
    rim = (_NODE_HEIGHT + _LABEL_HEIGHT) // 2
    top = min([0, *heights]) - rim - _HEADER_HEIGHT
    bottom = max([0, *heights]) + rim + MARGIN
    left = START - MARGIN
    right = node_box(STATUSES[-1]).x + _NODE_WIDTH + MARGIN
    return Box(left, top, right - left, bottom - top)
