"""A plan in a terminal: all of it, what can do harm first, and nothing in it that acts."""

import re
from io import StringIO
from typing import Literal

import pytest
from hypothesis import given, settings
from rich.console import Console
from syrupy.assertion import SnapshotAssertion

from reconciler.hazards import hazards
from reconciler.plan import Plan
from reconciler.report import as_text, print_plan
from reconciler.report.escaping import visible
from reconciler.report.wording import NOTHING_TO_DO, summary
from tests.support.generated_plans import PLANS
from tests.support.plans import EXAMPLES

STYLE = re.compile(r"\x1b\[[0-9;]*m")


def printed(plan: Plan, *, in_terminal: bool = False) -> str:
    """Return what a terminal of sixteen colours gets, or what a pipe gets."""
    output = StringIO()
    colors: Literal["standard", "auto"] = "standard" if in_terminal else "auto"
    console = Console(file=output, force_terminal=in_terminal, color_system=colors, no_color=False)
    print_plan(plan, console)
    return output.getvalue()


@pytest.mark.parametrize("example", ["nothing to do", "one of everything", "every hazard"])
def test_a_report_is_as_it_was(example: str, snapshot: SnapshotAssertion) -> None:
    assert printed(EXAMPLES[example]()) == snapshot


def test_a_report_in_a_terminal_is_as_it_was(snapshot: SnapshotAssertion) -> None:
    assert printed(EXAMPLES["every hazard"](), in_terminal=True) == snapshot


def test_a_long_report_is_not_cut() -> None:
    plan = EXAMPLES["too long for a comment"]()
    lines = printed(plan).splitlines()
    for planned in plan.changes:
        assert f"  ~ {planned.change.key.name}  {planned.at}" in lines


@given(PLANS)
@settings(deadline=None)
def test_nothing_in_a_report_acts_on_the_terminal(plan: Plan) -> None:
    text = printed(plan)
    assert all(line.isprintable() for line in text.split("\n"))
    assert STYLE.sub("", printed(plan, in_terminal=True)) == text == f"{as_text(plan)}\n"


@given(PLANS)
@settings(deadline=None)
def test_harm_stands_first_and_the_summary_last(plan: Plan) -> None:
    lines = printed(plan).splitlines()
    assert (lines[0] == "This plan can do harm") == bool(hazards(plan))
    assert lines[-1] == summary(plan)
    assert (NOTHING_TO_DO in lines) == plan.is_empty


ESCAPED = {
    "a plain text stays": ("payment api, ß, 日本, 🙂", "payment api, ß, 日本, 🙂"),
    "an escape sequence": ("\x1b[31mred", "\\x1b[31mred"),
    "a C1 control": ("\x9b31m", "\\x9b31m"),
    "a line break": ("a\nb\r\u2028", "a\\nb\\r\\u2028"),
    "the other direction": ("\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066"),
    "no width": ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
    "half a character": ("\udcff", "\\udcff"),
    "an invisible letter of tags": ("\U000e0041", "\\U000e0041"),
}


@pytest.mark.parametrize(("text", "shown"), ESCAPED.values(), ids=ESCAPED)
def test_what_acts_or_hides_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown
