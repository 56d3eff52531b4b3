"""Draws a workflow as SVG elements."""

from collections.abc import Mapping
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from engine.vocabulary import STATUSES, ActorRoles, Role, Status
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.svg.layout import (
    ARROW_LENGTH,
    LABEL_PADDING,
    MARGIN,
    START,
    TICK_WIDTH,
    Box,
    Point,
    label_box,
    node_box,
    route,
    view_box,
)
from engine.workflows.svg.picture import Picture
from engine.workflows.svg.style import ROOT_CLASS, STYLE

_ARROW: Final = "arrow"
_ARROW_YOURS: Final = "arrow-yours"
_RING: Final = {"d": "M-7 0a7 7 0 1 0 14 0a7 7 0 1 0-14 0z"}
_HALF: Final = {"d": "M0-4a4 4 0 0 1 0 8z", "class": "solid"}
_TICK: Final = {"d": "M-3.2 0.3l2.2 2.3 4.2-4.9"}
_SIGNS: Final[Mapping[Status, tuple[Mapping[str, str], ...]]] = {
    Status.OPEN: (_RING,),
    Status.IN_PROGRESS: (_RING, _HALF),
    Status.RESOLVED: (_RING, _TICK),
    Status.CLOSED: (_RING | {"class": "solid"}, _TICK | {"class": "knockout"}),
}
"""The sign of each status, so that colour is not the only difference."""


def draw(
    workflow: CompiledWorkflow,
    *,
    current: Status | None = None,
    viewer: ActorRoles | None = None,
    tickets: Mapping[Status, int] | None = None,
    part: str | None = None,
) -> str:
    """Draw a workflow as an SVG document; the same arguments give the same ASCII text.

    Args:
        workflow: the workflow; a retired one is drawn as retired.
        current: the status of the ticket, to be marked.
        viewer: the roles of the viewer towards the ticket. Marks the transitions that they can
            make, with `current` only those from the current status.
        tickets: the numbers of live tickets, to be shown at their statuses.
        part: the part of a page that shows the drawing, such as `revision-8`. The ids contain it,
            so that a page can draw a workflow several times, and the page has `STYLE` in a file.
            None for a document of its own.

    """
    picture = Picture(workflow, current, viewer, tickets, part)
    root = _root_of(picture)
    _add_start(root, picture)
    for source, target, role in picture.transitions:
        _add_edge(root, picture, source, target, role)
    for status in STATUSES:
        _add_node(root, picture, status)
    indent(root)
    return tostring(root).decode("ascii") + "\n"


def _add(
    parent: Element, tag: str, attributes: Mapping[str, object], text: str | None = None
) -> Element:
    """Append an element to its parent and return it."""
    element = SubElement(parent, tag, {name: str(value) for name, value in attributes.items()})
    element.text = text
    return element


def _add_box(parent: Element, box: Box, rounding: int) -> Element:
    """Append a rectangle with rounded corners and return it."""
    return _add(parent, "rect", box._asdict() | {"rx": rounding})


def _add_line(parent: Element, picture: Picture, path: str, arrow: str) -> None:
    """Append a line with an arrowhead."""
    head = f"url(#{picture.identity}-{arrow})"
    _add(parent, "path", {"class": "line", "d": path, "marker-end": head})


def _root_of(picture: Picture) -> Element:
    """Return the root element with the title, the style sheet, the background and the header."""
    box = view_box((source, target) for source, target, _ in picture.transitions)
    root = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": f"{ROOT_CLASS} retired" if picture.workflow.retired else ROOT_CLASS,
            "viewBox": " ".join(map(str, box)),
            "role": "img",
            "aria-labelledby": f"{picture.identity}-title",
            "aria-describedby": f"{picture.identity}-desc",
        },
    )
    _add(root, "title", {"id": f"{picture.identity}-title"}, picture.title)
    _add(root, "desc", {"id": f"{picture.identity}-desc"}, picture.description)
    if picture.part is None:
        _add(root, "style", {}, STYLE)
    _add_arrowheads(root, picture)
    _add_box(root, box, 20).set("class", "surface")
    _add_header(root, picture, box)
    return root


def _add_arrowheads(root: Element, picture: Picture) -> None:
    """Append two arrowheads, because not every renderer gives a marker the colour of its line."""
    definitions = _add(root, "defs", {})
    for name in (_ARROW, _ARROW_YOURS):
        marker = {
            "id": f"{picture.identity}-{name}",
            "markerUnits": "userSpaceOnUse",
            "markerWidth": ARROW_LENGTH,
            "markerHeight": ARROW_LENGTH,
            "refY": ARROW_LENGTH // 2,
            "orient": "auto",
        }
        head = f"M0 0L{ARROW_LENGTH} {ARROW_LENGTH // 2}L0 {ARROW_LENGTH}z"
        _add(_add(definitions, "marker", marker), "path", {"class": name, "d": head})


def _add_header(root: Element, picture: Picture, box: Box) -> None:
    """Append the names of the workflow, and a label if it is retired."""
    x = box.x + MARGIN
    _add(root, "text", {"class": "heading", "x": x, "y": box.y + 46}, picture.heading)
    _add(root, "text", {"class": "subheading", "x": x, "y": box.y + 70}, picture.subheading)
    if picture.workflow.retired:
        middle = Point(box.x + box.width - MARGIN - 40, box.y + 40)
        _add_label(_add(root, "g", {"class": "retirement"}), "retired", middle, ticked=False)


def _add_start(root: Element, picture: Picture) -> None:
    """Append the start of new tickets: a dot and a short line."""
    group = _add(root, "g", {"class": "start"})
    _add(group, "circle", {"cx": START, "cy": 0, "r": 5})
    end = node_box(STATUSES[0]).x - ARROW_LENGTH
    _add_line(group, picture, f"M{START} 0H{end}", _ARROW)


def _add_edge(root: Element, picture: Picture, source: Status, target: Status, role: Role) -> None:
    """Append a transition: its line and the label with its role."""
    yours = picture.is_yours(source, target)
    line = route(source, target)
    kind = f"edge {role} yours" if yours else f"edge {role}"
    group = _add(root, "g", {"class": kind, "data-from": source, "data-to": target})
    _add(group, "title", {}, picture.sentence(source, target))
    _add(group, "path", {"class": "halo", "d": line.path})
    _add_line(group, picture, line.path, _ARROW_YOURS if yours else _ARROW)
    _add_label(group, role, line.label, ticked=yours)


def _add_label(parent: Element, text: str, middle: Point, *, ticked: bool) -> None:
    """Append a label, with a check mark if it is `ticked`."""
    group = _add(parent, "g", {"class": "label"})
    box = label_box(middle, text, ticked=ticked)
    _add_box(group, box, box.height // 2)
    x = middle.x + TICK_WIDTH // 2 * ticked
    _add(group, "text", {"x": x, "y": middle.y + 4}, text)
    if ticked:
        place = f"translate({box.x + LABEL_PADDING // 2 + 3} {middle.y})"
        _add(group, "path", _TICK | {"class": "tick", "transform": place})


def _add_node(root: Element, picture: Picture, status: Status) -> None:
    """Append a status: its sign, its name and, if there is one, the second line."""
    is_current, second_line = status is picture.current, picture.second_line(status)
    group = _add(root, "g", {"class": f"node {status} current" if is_current else f"node {status}"})
    box = node_box(status)
    _add_box(group, box, 16)
    sign = _add(group, "g", {"class": "sign", "transform": f"translate({box.x + 26} 0)"})
    for path in _SIGNS[status]:
        _add(sign, "path", path)
    _add(group, "text", {"x": box.x + 43, "y": -2 if second_line else 5}, status)
    if second_line:
        _add(group, "text", {"class": "here", "x": box.x + 43, "y": 14}, second_line)
