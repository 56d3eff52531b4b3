"""The view model of a dry run."""

import re

import pytest
from syrupy.assertion import SnapshotAssertion

from api.web.views.plan.view import FindingView, finding_views, plan_view
from engine.errors import InvalidDeclaration
from engine.findings import Finding, Location
from engine.vocabulary import Status
from reconciler.desired import read_desired
from reconciler.dry_run import FILE_NAME
from reconciler.values import ValuesInput
from tests.support.plans import EXAMPLES

TICKETS = {("vpn_request", Status.OPEN): 7, ("vpn_request", Status.IN_PROGRESS): 5}
SVG_ID = re.compile(r'id="([^"]+)"')


@pytest.mark.parametrize(
    "example", ["nothing to do", "one of everything", "every hazard", "repairs"]
)
def test_a_plan_in_words(example: str, snapshot: SnapshotAssertion) -> None:
    plan = plan_view(EXAMPLES[example](), TICKETS)
    lines = [plan.summary, plan.options, plan.approval]
    lines += [f"{each.title}: {each.messages} {each.remedy}" for each in plan.hazards]
    for kind, changes in plan.changes.items():
        lines.append(kind)
        for change in changes:
            lines.append(f"  {change.heading} ({change.location})")
            lines += [f"    {each.kind}: {each.text}" for each in change.sentences]
            lines += [f"    harm: {each}" for each in change.harm]
            lines += [f"    effect: {each}" for each in change.effects]
            lines += [f"    {each.word}: {each.count} {each.status}" for each in change.stranded]
            lines.append(f"    drawn: {bool(change.before)} {bool(change.after)} {change.examples}")
    assert "\n".join(lines) == snapshot


def test_drawings_have_ids_of_their_own_and_the_numbers_of_tickets() -> None:
    plan = plan_view(EXAMPLES["every hazard"](), TICKETS)
    drawings = [
        drawing
        for changes in plan.changes.values()
        for change in changes
        for drawing in (change.before, change.after)
        if drawing
    ]
    ids = [each for drawing in drawings for each in SVG_ID.findall(drawing)]
    assert len(ids) == len(set(ids)) > 0
    assert sum("7 tickets" in each for each in drawings) == 2  # before and after


def test_a_large_plan_is_shown_in_part() -> None:
    plan = plan_view(EXAMPLES["too long for a comment"](), {})
    shown = [change for changes in plan.changes.values() for change in changes]
    assert len(shown) + plan.left_out == 400
    assert sum(bool(change.after) for change in shown) == 20


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ("ticketing:\n  wrong: 1\n", ("  ", "w", "rong: 1")),
        ("ticketing: [\n", None),
        ("", ("", "", "")),
    ],
)
def test_a_finding_has_its_line(values: str, parts: tuple[str, str, str] | None) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        read_desired(ValuesInput([(FILE_NAME, values)]))
    [shown, *_] = finding_views(refused.value.findings, values)
    if parts is not None:
        assert (shown.before, shown.marked, shown.after) == parts


def test_a_long_line_is_shown_around_its_finding() -> None:
    line = "a" * 1_000 + "X" + "b" * 1_000
    finding = Finding("wrong_type", "wrong", Location(FILE_NAME, 2, 1_001))
    shown: FindingView
    [shown] = finding_views([finding], f"first\n{line}\nlast")
    assert (shown.before, shown.marked) == ("…" + "a" * 80, "X")
    assert shown.after == "b" * 79 + "…"
