"""Plans as text for a terminal."""

import re
from io import StringIO
from typing import Literal

import pytest
from hypothesis import given
from rich.console import Console
from syrupy.assertion import SnapshotAssertion

from reconciler.allowances import Allowances
from reconciler.hazards import flags_to_add, hazards, plan_approval
from reconciler.plan import Plan
from reconciler.report.text import as_text, print_plan
from reconciler.report.wording import HAZARDS_TITLE, NO_CHANGES, summary
from tests.support.generated_plans import PLANS, some_plans
from tests.support.plans import EVERYTHING, EXAMPLES

STYLE = re.compile(r"\x1b\[[0-9;]*m")


def printed(plan: Plan, *, in_terminal: bool = False) -> str:
    """Return the output for a terminal with sixteen colours, or for a pipe."""
    output = StringIO()
    colors: Literal["standard", "auto"] = "standard" if in_terminal else "auto"
    console = Console(file=output, force_terminal=in_terminal, color_system=colors, no_color=False)
    print_plan(plan, console)
    return output.getvalue()


@pytest.mark.parametrize(
    "example", ["nothing to do", "one of everything", "every hazard", "switched on", "repairs"]
)
def test_reports(example: str, snapshot: SnapshotAssertion) -> None:
    assert printed(EXAMPLES[example]()) == snapshot


def test_a_report_in_colour(snapshot: SnapshotAssertion) -> None:
    assert printed(EXAMPLES["every hazard"](), in_terminal=True) == snapshot


def test_a_long_report_is_not_truncated() -> None:
    plan = EXAMPLES["too long for a comment"]()
    lines = printed(plan).splitlines()
    for change in plan.changes:
        assert f"  ~ {change.name}  {change.at}" in lines


@given(PLANS)
@some_plans
def test_declared_text_has_no_effect_on_the_terminal(plan: Plan) -> None:
    text = printed(plan)
    assert all(line.isprintable() for line in text.split("\n"))
    assert STYLE.sub("", printed(plan, in_terminal=True)) == text == f"{as_text(plan)}\n"


@given(PLANS)
@some_plans
def test_hazards_come_first_and_the_summary_last(plan: Plan) -> None:
    lines = printed(plan).splitlines()
    found = hazards(plan)
    assert (lines[0] == HAZARDS_TITLE) == bool(found)
    assert lines[-3 if found else -1] == summary(plan)
    assert (f"Approval: {plan_approval(plan)}" in lines) == bool(found)
    assert (lines[-1] == flags_to_add(found)) == bool(found)
    assert (NO_CHANGES in lines) == plan.is_empty


def test_flags_of_acknowledged_hazards_are_not_asked_for() -> None:
    plan = EXAMPLES["every hazard"]()
    last = str(as_text(plan, Allowances(widening=True, stranded=15))).splitlines()[-1]
    assert last.startswith("To apply it, add: ")
    assert not {"--allow-widening", "--max-stranded"} & set(last.split())
    assert str(as_text(plan, EVERYTHING)).splitlines()[-1] == summary(plan)
