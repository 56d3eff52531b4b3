"""The SVG is well-formed, shows the declaration, and its elements do not overlap."""

import re
from dataclasses import replace
from itertools import combinations, product
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from engine.declaration.defaults import default_workflows
from engine.vocabulary import NO_ROLES, ROLE_COMBINATIONS, STATUSES, ActorRoles, Role, Status
from engine.workflows.compiler import CompiledWorkflow, compile_workflow
from engine.workflows.explanation import explain
from engine.workflows.policy import EMPTY_POLICY, Policy, policy_of, transitions_of
from engine.workflows.svg import draw
from engine.workflows.svg.layout import Box, node_box, route
from engine.workflows.svg.style import STYLE
from tests.support.policies import EVERY_PAIR, PAIRS, POLICIES

SVG = "{http://www.w3.org/2000/svg}"
WIDEST = policy_of((*pair, Role.REQUESTER) for pair in PAIRS)
INCIDENT = next(
    compile_workflow(each) for each in default_workflows() if each.name == "incident_response"
)
MALICIOUS = "<script>alert('x')</script> & \"quotes\" ]]> \x01\N{EURO SIGN}\n\N{TICKET}\ud800"
VIEWERS = st.none() | st.sampled_from(ROLE_COMBINATIONS)
PLACES = st.none() | st.sampled_from(STATUSES)
CURVE = re.compile(r"M(-?\d+) (-?\d+)C(-?\d+) (-?\d+) (-?\d+) (-?\d+) (-?\d+) (-?\d+)")
STEPS = re.compile(r"M(-?\d+) (-?\d+)H(-?\d+)")


def workflow_of(policy: Policy, display_name: str = "Any") -> CompiledWorkflow:
    return CompiledWorkflow("any_name", display_name, policy)


def read(drawn: str) -> Element:
    return ET.fromstring(drawn)  # noqa: S314 - our own text


def groups(root: Element, kind: str) -> list[Element]:
    return [each for each in root.iter(f"{SVG}g") if kind in each.get("class", "").split()]


def box_of(element: Element) -> Box:
    (rectangle,) = element.findall(f"{SVG}rect")
    return Box(*(int(rectangle.get(name, "")) for name in Box._fields))


def apart(one: Box, other: Box, gap: int = 0) -> bool:
    return (
        one.x + one.width + gap <= other.x
        or other.x + other.width + gap <= one.x
        or one.y + one.height + gap <= other.y
        or other.y + other.height + gap <= one.y
    )


def points_of(path: str) -> list[tuple[float, float]]:
    if found := STEPS.fullmatch(path):
        x, y, end = map(int, found.groups())
        return [(x + (end - x) * step / 100, y) for step in range(101)]
    found = CURVE.fullmatch(path)
    assert found
    numbers = [*map(int, found.groups())]
    return [bezier(numbers, step / 400) for step in range(401)]


def bezier(numbers: list[int], at: float) -> tuple[float, float]:
    weights = ((1 - at) ** 3, 3 * at * (1 - at) ** 2, 3 * at**2 * (1 - at), at**3)
    x, y = (sum(w * n for w, n in zip(weights, numbers[axis::2], strict=True)) for axis in (0, 1))
    return x, y


# --- layout -------------------------------------------------------------------------------------

CASES = {
    "a ticket and the transitions of its requester": draw(
        INCIDENT, current=Status.RESOLVED, viewer=ActorRoles.REQUESTER
    ),
    "all transitions of the assignee": draw(workflow_of(EVERY_PAIR), viewer=ActorRoles.ASSIGNEE),
    "a retired workflow": draw(
        replace(INCIDENT, retired=True), current=Status.OPEN, viewer=ActorRoles.ASSIGNEE
    ),
    "live tickets": draw(INCIDENT, tickets={Status.OPEN: 1_204, Status.RESOLVED: 1}),
    "no transitions": draw(workflow_of(EMPTY_POLICY)),
    "a malicious name": draw(workflow_of(EMPTY_POLICY, MALICIOUS)),
}


@pytest.mark.parametrize("case", CASES)
def test_a_drawing_equals_its_snapshot(case: str, snapshot: SnapshotAssertion) -> None:
    assert CASES[case] == snapshot


@given(POLICIES, PLACES, VIEWERS, st.booleans(), st.text())
def test_every_drawing_is_well_formed_ascii_with_one_edge_for_each_transition(
    policy: Policy,
    current: Status | None,
    viewer: ActorRoles | None,
    retired: bool,  # noqa: FBT001
    name: str,
) -> None:
    workflow = CompiledWorkflow("any_name", name, policy, retired)
    drawn = draw(workflow, current=current, viewer=viewer)
    assert drawn.isascii()
    edges = [
        (edge.get("data-from"), edge.get("data-to"), edge.findtext(f"{SVG}g/{SVG}text"))
        for edge in groups(read(drawn), "edge")
    ]
    assert edges == [*transitions_of(policy)]


@given(POLICIES, PLACES, VIEWERS)
def test_labels_and_statuses_do_not_overlap_and_are_inside_the_view_box(
    policy: Policy, current: Status | None, viewer: ActorRoles | None
) -> None:
    root = read(draw(workflow_of(policy), current=current, viewer=viewer))
    boxes = [box_of(each) for kind in ("label", "node") for each in groups(root, kind)]
    assert all(apart(one, other, gap=8) for one, other in combinations(boxes, 2))
    x, y, width, height = map(int, root.get("viewBox", "").split())
    frame = Box(x, y, width, height)
    assert all(not apart(box, frame) for box in boxes)
    assert all(x < box.x and box.x + box.width < x + width for box in boxes)
    assert all(y < box.y and box.y + box.height < y + height for box in boxes)


def test_no_line_crosses_the_label_of_another_line_or_a_status() -> None:
    edges = groups(read(draw(workflow_of(WIDEST), viewer=ActorRoles.REQUESTER)), "edge")
    labels = {edge: box_of(groups(edge, "label")[0]) for edge in edges}
    for edge in edges:
        line = next(each for each in edge.iter(f"{SVG}path") if each.get("class") == "line")
        others = [box for other, box in labels.items() if other is not edge]
        for x, y in points_of(line.get("d", "")):
            point = Box(round(x), round(y), 0, 0)
            assert all(apart(point, box, gap=3) for box in others)
            assert all(apart(point, node_box(status)) for status in STATUSES)


def test_lines_start_and_end_in_different_places() -> None:
    ends = [points_of(route(*pair).path)[end] for pair in PAIRS for end in (0, -1)]
    assert all(
        abs(x - other_x) + abs(y - other_y) > 20
        for (x, y), (other_x, other_y) in combinations(ends, 2)
    )


def test_another_transition_moves_no_other_line() -> None:
    few, all_paths = (
        {each.get("d") for each in read(draw(workflow_of(policy))).iter(f"{SVG}path")}
        for policy in (INCIDENT.policy, EVERY_PAIR)
    )
    assert few < all_paths


# --- texts --------------------------------------------------------------------------------------


def test_the_description_names_every_transition() -> None:
    description = read(draw(INCIDENT)).findtext(f"{SVG}desc")
    assert description == (
        "OPEN to IN_PROGRESS: assignee. IN_PROGRESS to RESOLVED: assignee."
        " RESOLVED to IN_PROGRESS: assignee or requester or admin. RESOLVED to CLOSED: requester."
    )


def test_a_screen_reader_finds_the_title_and_the_description() -> None:
    root = read(draw(INCIDENT))
    ids = {each.get("id"): each for each in root.iter()}
    assert root.get("role") == "img"
    assert ids[root.get("aria-labelledby")].text == "Incident Response"
    assert ids[root.get("aria-describedby")].tag == f"{SVG}desc"


def test_a_name_is_escaped() -> None:
    root = read(CASES["a malicious name"])
    expected = "<script>alert('x')</script> & \"quotes\" ]]> \ufffd\N{EURO SIGN} \N{TICKET}\ufffd"
    assert root.findtext(f"{SVG}title") == expected
    assert not [*root.iter(f"{SVG}script")]


@pytest.mark.parametrize("letter", ["W", "\N{CJK UNIFIED IDEOGRAPH-7A7A}"])
def test_a_long_name_is_shortened_in_the_heading_but_not_in_the_title(letter: str) -> None:
    root = read(draw(workflow_of(EMPTY_POLICY, letter * 120)))
    heading = next(each for each in root.iter() if each.get("class") == "heading").text
    assert root.findtext(f"{SVG}title") == letter * 120
    assert heading
    assert heading.endswith("\N{HORIZONTAL ELLIPSIS}")
    assert 24 <= len(heading) <= 50


# --- marks --------------------------------------------------------------------------------------


@given(POLICIES, PLACES, st.sampled_from(ROLE_COMBINATIONS), st.booleans())
def test_the_marked_transitions_are_those_that_the_viewer_can_make(
    policy: Policy,
    current: Status | None,
    viewer: ActorRoles,
    retired: bool,  # noqa: FBT001
) -> None:
    workflow = replace(workflow_of(policy), retired=retired)
    root = read(draw(workflow, current=current, viewer=viewer))
    marked = {(edge.get("data-from"), edge.get("data-to")) for edge in groups(root, "yours")}
    assert marked == {
        (source, target)
        for source, target in product(STATUSES, STATUSES)
        if current in {None, source} and explain(workflow, source, target, viewer).allowed
    }


def test_a_mark_does_not_depend_on_colour() -> None:
    root = read(draw(INCIDENT, current=Status.RESOLVED, viewer=ActorRoles.REQUESTER))
    (node,) = groups(root, "current")
    assert [each.text for each in node.iter(f"{SVG}text")] == ["RESOLVED", "ticket is here"]
    for edge in groups(root, "edge"):
        ticks = [each for each in edge.iter() if each.get("class") == "tick"]
        assert len(ticks) == ("yours" in edge.get("class", "").split())


def test_a_retired_workflow_is_drawn_as_retired() -> None:
    drawn = draw(replace(INCIDENT, retired=True), viewer=ActorRoles.ASSIGNEE)
    assert ">retired<" in drawn
    assert "No transitions until it is declared again." in drawn
    assert not groups(read(drawn), "yours")


def test_drawings_on_one_page_have_different_ids() -> None:
    drawings = [
        draw(workflow, current=current, viewer=viewer, part=part)
        for part in (None, "before", "after")
        for workflow in (INCIDENT, workflow_of(EMPTY_POLICY))
        for current in (None, Status.OPEN)
        for viewer in (None, NO_ROLES, ActorRoles.ADMIN)
    ]
    ids = [each.get("id") for drawn in drawings for each in read(drawn).iter() if each.get("id")]
    assert len(ids) == len(set(ids))


# --- colours ------------------------------------------------------------------------------------

TEXT_CONTRAST, GRAPHIC_CONTRAST = 4.5, 3.0
"""WCAG 2.2, success criteria 1.4.3 and 1.4.11."""

GROUNDS = {
    "surface": {"ink": TEXT_CONTRAST, "muted": TEXT_CONTRAST, "line": GRAPHIC_CONTRAST}
    | {"accent": GRAPHIC_CONTRAST},
    "node": {"ink": TEXT_CONTRAST, "accent": TEXT_CONTRAST, "open": GRAPHIC_CONTRAST}
    | dict.fromkeys(("in-progress", "resolved", "closed"), GRAPHIC_CONTRAST),
    "accent": {"on-accent": TEXT_CONTRAST},
    "assignee-tint": {"assignee": TEXT_CONTRAST},
    "requester-tint": {"requester": TEXT_CONTRAST},
    "any-tint": {"any": TEXT_CONTRAST},
}


def palettes() -> dict[str, dict[str, str]]:
    light, dark = STYLE.split("@media (prefers-color-scheme: dark)")
    return {
        name: dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", text))
        for name, text in {"light": light, "dark": dark}.items()
    }


def luminance(colour: str) -> float:
    channels = (int(pair, 16) / 255 for pair in re.findall("[0-9a-f]{2}", colour))
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_is_sufficient_in_both_themes(theme: str) -> None:
    colours = palettes()[theme]
    for ground, marks in GROUNDS.items():
        for mark, minimum in marks.items():
            assert contrast(colours[ground], colours[mark]) >= minimum, (mark, ground)


def test_both_themes_set_all_colours() -> None:
    used = set(re.findall(r"var\(--([a-z-]+)\)", STYLE))
    assert used == palettes()["light"].keys() == palettes()["dark"].keys()
