"""The elements of the drawing."""

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
    start_line,
    view_box,
)
from engine.workflows.svg.picture import Picture
from engine.workflows.svg.style import ROOT_CLASS, STYLE

ARROW: Final = "arrow"
ARROW_YOURS: Final = "arrow-yours"
RING: Final = {"d": "M-7 0a7 7 0 1 0 14 0a7 7 0 1 0-14 0z"}
HALF: Final = {"d": "M0-4a4 4 0 0 1 0 8z", "class": "solid"}
TICK: Final = {"d": "M-3.2 0.3l2.2 2.3 4.2-4.9"}
SIGNS: Final[Mapping[Status, tuple[Mapping[str, str], ...]]] = {
    Status.OPEN: (RING,),
    Status.IN_PROGRESS: (RING, HALF),
    Status.RESOLVED: (RING, TICK),
    Status.CLOSED: (RING | {"class": "solid"}, TICK | {"class": "knockout"}),
}
"""The sign of each status: it is known without its colour."""


def draw(
    workflow: CompiledWorkflow,
    *,
    current: Status | None = None,
    viewer: ActorRoles | None = None,
) -> str:
    """Return a workflow as an SVG document: the same ASCII text for the same arguments, every time.

    Args:
        workflow: what to draw; a retired one is shown as retired.
        current: the status to mark as that of the ticket.
        viewer: what the reader is towards the ticket; the transitions open to them are marked,
            with `current` only those that are open now.

    """
    picture = Picture(workflow, current, viewer)
    root = root_of(picture)
    add_start(root, picture)
    for source, target, role in picture.transitions:
        add_edge(root, picture, source, target, role)
    for status in STATUSES:
        add_node(root, status, is_current=status is current)
    indent(root)
    return tostring(root).decode("ascii") + "\n"


def add(
    parent: Element, tag: str, attributes: Mapping[str, object], words: str | None = None
) -> Element:
    """Append an element to its parent and return it."""
    element = SubElement(parent, tag, {name: str(value) for name, value in attributes.items()})
    element.text = words
    return element


def add_box(parent: Element, box: Box, rounding: int) -> Element:
    """Append a rounded rectangle and return it."""
    return add(parent, "rect", box._asdict() | {"rx": rounding})


def add_line(parent: Element, picture: Picture, path: str, arrow: str) -> None:
    """Append a line that ends in an arrowhead."""
    head = f"url(#{picture.identity}-{arrow})"
    add(parent, "path", {"class": "line", "d": path, "marker-end": head})


def root_of(picture: Picture) -> Element:
    """Return the root with all that stands behind the workflow itself."""
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
    add(root, "title", {"id": f"{picture.identity}-title"}, picture.title)
    add(root, "desc", {"id": f"{picture.identity}-desc"}, picture.description)
    add(root, "style", {}, STYLE)
    add_arrowheads(root, picture)
    add_box(root, box, 20).set("class", "surface")
    add_header(root, picture, box)
    return root


def add_arrowheads(root: Element, picture: Picture) -> None:
    """Append the two arrowheads; a marker can't take the colour of its line everywhere."""
    definitions = add(root, "defs", {})
    for name in (ARROW, ARROW_YOURS):
        marker = {
            "id": f"{picture.identity}-{name}",
            "markerUnits": "userSpaceOnUse",
            "markerWidth": ARROW_LENGTH,
            "markerHeight": ARROW_LENGTH,
            "refY": ARROW_LENGTH // 2,
            "orient": "auto",
        }
        head = f"M0 0L{ARROW_LENGTH} {ARROW_LENGTH // 2}L0 {ARROW_LENGTH}z"
        add(add(definitions, "marker", marker), "path", {"class": name, "d": head})


def add_header(root: Element, picture: Picture, box: Box) -> None:
    """Append the names, and a badge if the workflow is retired."""
    x = box.x + MARGIN
    add(root, "text", {"class": "heading", "x": x, "y": box.y + 46}, picture.heading)
    add(root, "text", {"class": "subheading", "x": x, "y": box.y + 70}, picture.subheading)
    if picture.workflow.retired:
        middle = Point(box.x + box.width - MARGIN - 40, box.y + 40)
        add_label(add(root, "g", {"class": "retirement"}), "retired", middle, ticked=False)


def add_start(root: Element, picture: Picture) -> None:
    """Append where a new ticket comes from: a dot and a short line."""
    group = add(root, "g", {"class": "start"})
    add(group, "circle", {"cx": START, "cy": 0, "r": 5})
    add_line(group, picture, start_line(), ARROW)


def add_edge(root: Element, picture: Picture, source: Status, target: Status, role: Role) -> None:
    """Append a transition: its line, and the role on it."""
    yours = picture.is_yours(source, target)
    way = route(source, target)
    kind = f"edge {role} yours" if yours else f"edge {role}"
    group = add(root, "g", {"class": kind, "data-from": source, "data-to": target})
    add(group, "title", {}, picture.sentence(source, target))
    add(group, "path", {"class": "halo", "d": way.path})
    add_line(group, picture, way.path, ARROW_YOURS if yours else ARROW)
    add_label(group, role, way.label, ticked=yours)


def add_label(parent: Element, words: str, middle: Point, *, ticked: bool) -> None:
    """Append a pill with words in it, and a tick before them."""
    group = add(parent, "g", {"class": "label"})
    box = label_box(middle, words, ticked=ticked)
    add_box(group, box, box.height // 2)
    x = middle.x + TICK_WIDTH // 2 * ticked
    add(group, "text", {"x": x, "y": middle.y + 4}, words)
    if ticked:
        place = f"translate({box.x + LABEL_PADDING // 2 + 3} {middle.y})"
        add(group, "path", TICK | {"class": "tick", "transform": place})


def add_node(root: Element, status: Status, *, is_current: bool) -> None:
    """Append a status: its sign, its name, and a second line under that of the ticket."""
    group = add(root, "g", {"class": f"node {status} current" if is_current else f"node {status}"})
    box = node_box(status)
    add_box(group, box, 16)
    sign = add(group, "g", {"class": "sign", "transform": f"translate({box.x + 26} 0)"})
    for path in SIGNS[status]:
        add(sign, "path", path)
    add(group, "text", {"x": box.x + 43, "y": -2 if is_current else 5}, status)
    if is_current:
        add(group, "text", {"class": "here", "x": box.x + 43, "y": 14}, "ticket is here")
