"""Five readings of one declaration, and every question there is: they may not differ once."""

from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import ARRAY, BigInteger, Integer, Text, column, func, literal, select

from engine.declaration.defaults import default_workflows
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.tickets.policy_sql import ordinal, permits
from engine.vocabulary import ROLE_COMBINATIONS, STATUSES
from engine.workflows import interop, policy
from tests.support.policies import MOVES, Moves, as_declared

QUESTIONS = list(product(STATUSES, STATUSES, ROLE_COMBINATIONS))
DEFAULTS: dict[str, Moves] = {
    workflow.name: {(move.source, move.target): move.role for move in workflow.transitions}
    for workflow in default_workflows()
}

ASKED = (
    func.unnest(
        literal([source.value for source, _, _ in QUESTIONS], ARRAY(Text)),
        literal([target.ordinal for _, target, _ in QUESTIONS], ARRAY(Integer)),
        literal([int(actor) for _, _, actor in QUESTIONS], ARRAY(Integer)),
    )
    .table_valued(
        column("source", Text), column("target", Integer), column("actor", Integer), name="asked"
    )
    .render_derived()
)
"""Every question as a table: the evaluator of the transition statement is asked them all."""


def in_postgresql(value: int) -> Statement:
    answer = permits(
        literal(value, BigInteger), ordinal(ASKED.c.source), ASKED.c.target, ASKED.c.actor
    )
    return Statement.of(select(answer).select_from(ASKED))


async def assert_one_answer(database: Database, transitions: Moves) -> None:
    value = policy.policy_of(
        (source, target, role) for (source, target), role in transitions.items()
    )
    chart, machine = interop.statechart_of(value), interop.machine_of(value)
    answers = {
        "python": [policy.permits(value, *question) for question in QUESTIONS],
        "python-statemachine": [interop.statechart_permits(chart, *q) for q in QUESTIONS],
        "transitions": [interop.machine_permits(machine, *question) for question in QUESTIONS],
        "postgresql": [row[0] for row in await database.rows(in_postgresql(value))],
    }
    declared = [as_declared(transitions, *question) for question in QUESTIONS]
    assert {name for name, given_ in answers.items() if given_ != declared} == set()


@pytest.mark.parametrize("name", DEFAULTS)
async def test_a_default_means_the_same_everywhere(database: Database, name: str) -> None:
    await assert_one_answer(database, DEFAULTS[name])


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(transitions=MOVES)
async def test_any_workflow_means_the_same_everywhere(
    database: Database, transitions: Moves
) -> None:
    await assert_one_answer(database, transitions)
