"""The view model of the insights."""

from datetime import UTC, datetime, timedelta

import pytest
from syrupy.assertion import SnapshotAssertion

from api.web.charts import bar
from api.web.views.insights.view import InsightFacts, insight_tables, period_in
from engine.errors import InvalidInput
from engine.limits import INSIGHT_ROWS
from engine.tickets.insights import (
    RefusedTransition,
    SlaCompliance,
    StatusTime,
    TransitionInsights,
    UsedTransition,
)
from engine.tickets.refusal_counts import Refusal
from engine.vocabulary import Role, Status
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.policy import policy_of

POLICY = policy_of(
    [
        (Status.OPEN, Status.IN_PROGRESS, Role.ASSIGNEE),
        (Status.IN_PROGRESS, Status.RESOLVED, Role.ASSIGNEE),
        (Status.RESOLVED, Status.CLOSED, Role.REQUESTER),
    ]
)
WORKFLOWS = (
    CompiledWorkflow("incident", "Incident", POLICY),
    CompiledWorkflow("retired", "Retired", POLICY, retired=True),
)
NOTHING = InsightFacts(TransitionInsights((), (), None), (), (), ())
FACTS = InsightFacts(
    TransitionInsights(
        (
            StatusTime("incident", Status.OPEN, 3, timedelta(minutes=5), timedelta(hours=2)),
            StatusTime("incident", Status.RESOLVED, 1_200, timedelta(days=1), timedelta(days=4)),
        ),
        (
            UsedTransition("incident", Status.OPEN, Status.IN_PROGRESS, 3),
            UsedTransition("incident", Status.RESOLVED, Status.CLOSED, 0),  # only by system
        ),
        datetime(2026, 1, 31, tzinfo=UTC),
    ),
    (
        SlaCompliance("priority", "HIGH", met=9, missed=3, running=1),
        SlaCompliance("priority", "LOW", met=0, missed=0, running=2),
        SlaCompliance("group", "network-team", met=9, missed=3, running=2),
        SlaCompliance("group", None, met=0, missed=0, running=1),
    ),
    (RefusedTransition(Refusal("incident", "OPEN", "CLOSED", "role_required"), 7),),
    WORKFLOWS,
)


def test_tables_in_words(snapshot: SnapshotAssertion) -> None:
    lines = []
    for table in insight_tables(30, FACTS):
        lines += [f"{table.title}: {table.about} {table.bar_title}", " | ".join(table.columns)]
        lines += [f"{' | '.join(row.cells)} {row.bar}" for row in table.rows]
    assert "\n".join(lines) == snapshot


def test_tables_without_rows_say_so() -> None:
    assert all(each.empty and not each.rows for each in insight_tables(30, NOTHING))


def test_a_transition_by_system_only_is_unused_and_a_retired_workflow_has_none() -> None:
    unused = insight_tables(30, FACTS)[-1]
    assert [each.cells[:3] for each in unused.rows] == [
        ("incident", "In progress", "Resolved"),
        ("incident", "Resolved", "Closed"),
    ]


def test_a_page_shows_a_bounded_number_of_rows() -> None:
    many = [CompiledWorkflow(f"w{number:03}", "W", POLICY) for number in range(INSIGHT_ROWS)]
    facts = InsightFacts(NOTHING.transitions, (), (), many)
    unused = insight_tables(30, facts)[-1]
    assert (len(unused.shown), unused.left_out) == (INSIGHT_ROWS, 2 * INSIGHT_ROWS)


@pytest.mark.parametrize(
    ("parts", "longest", "widths"),
    [((1, 1), 4, [25, 25]), ((0, 4), 4, [100]), ((0, 0), 0, []), ((3,), 3, [100])],
)
def test_bars_are_proportional(parts: tuple[float, ...], longest: float, widths: list[int]) -> None:
    drawn = bar(parts, longest)
    assert drawn.count("<rect") == len(widths)
    assert all(f'width="{each}"' in drawn for each in widths)


@pytest.mark.parametrize("days", ["", "8", "-7", "07", "x"])
def test_an_unknown_period_is_refused(days: str) -> None:
    with pytest.raises(InvalidInput):
        period_in(days)
