"""Five evaluators of a workflow agree on every transition by every combination of roles."""

from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import ARRAY, BigInteger, Integer, Text, column, func, literal, select

from engine.declaration.defaults import default_workflows
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.tickets.policy_sql import ordinal, permits, permits_any
from engine.vocabulary import ROLE_COMBINATIONS, STATUSES
from engine.workflows import interop, policy
from tests.support.policies import TRANSITIONS, Transitions, is_allowed

QUESTIONS = list(product(STATUSES, STATUSES, ROLE_COMBINATIONS))
DEFAULTS: dict[str, Transitions] = {
    workflow.name: {(move.source, move.target): move.role for move in workflow.transitions}
    for workflow in default_workflows()
}

QUESTION_TABLE = (
    func.unnest(
        literal([source.value for source, _, _ in QUESTIONS], ARRAY(Text)),
        literal([target.ordinal for _, target, _ in QUESTIONS], ARRAY(Integer)),
        literal([int(actor) for _, _, actor in QUESTIONS], ARRAY(Integer)),
    )
    .table_valued(
        column("source", Text), column("target", Integer), column("actor", Integer), name="question"
    )
    .render_derived()
)
"""All questions as a table, for the SQL of the transition statement."""


def policy_statement(value: int) -> Statement:
    answer = permits(
        literal(value, BigInteger),
        ordinal(QUESTION_TABLE.c.source),
        QUESTION_TABLE.c.target,
        QUESTION_TABLE.c.actor,
    )
    return Statement.of(select(answer).select_from(QUESTION_TABLE))


def any_target_statement(value: int) -> Statement:
    answer = permits_any(
        literal(value, BigInteger), ordinal(QUESTION_TABLE.c.source), QUESTION_TABLE.c.actor
    )
    return Statement.of(select(answer).select_from(QUESTION_TABLE))


async def assert_evaluators_agree(database: Database, transitions: Transitions) -> None:
    value = policy.policy_of(
        (source, target, role) for (source, target), role in transitions.items()
    )
    chart, machine = interop.statechart_of(value), interop.machine_of(value)
    answers = {
        "python": [policy.permits(value, *question) for question in QUESTIONS],
        "python-statemachine": [interop.statechart_permits(chart, *q) for q in QUESTIONS],
        "transitions": [interop.machine_permits(machine, *question) for question in QUESTIONS],
        "postgresql": [row[0] for row in await database.rows(policy_statement(value))],
    }
    declared = [is_allowed(transitions, *question) for question in QUESTIONS]
    movable = [
        any(is_allowed(transitions, source, target, actor) for target in STATUSES)
        for source, _, actor in QUESTIONS
    ]
    answers_of_any = {
        "python": [policy.permits_any(value, source, actor) for source, _, actor in QUESTIONS],
        "postgresql": [row[0] for row in await database.rows(any_target_statement(value))],
    }
    assert answers_of_any == dict.fromkeys(answers_of_any, movable)
    assert {name for name, given_ in answers.items() if given_ != declared} == set()


@pytest.mark.parametrize("name", DEFAULTS)
async def test_all_evaluators_agree_on_default_workflows(database: Database, name: str) -> None:
    await assert_evaluators_agree(database, DEFAULTS[name])


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(transitions=TRANSITIONS)
async def test_all_evaluators_agree_on_any_workflow(
    database: Database, transitions: Transitions
) -> None:
    await assert_evaluators_agree(database, transitions)
