"""The document of a plan is complete, ASCII, and the same for the same plan."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from syrupy.assertion import SnapshotAssertion

from reconciler.document.serialize import serialize_plan
from reconciler.plan import Plan
from tests.support.generated_plans import PLANS, some_plans
from tests.support.plans import EXAMPLES, one_of_everything


@pytest.mark.parametrize("example", ["nothing to do", "one of everything", "every hazard"])
def test_documents(example: str, snapshot: SnapshotAssertion) -> None:
    assert serialize_plan(EXAMPLES[example]()).text == snapshot


@given(PLANS)
@some_plans
def test_a_document_is_ascii_and_has_the_id(plan: Plan) -> None:
    serialized = serialize_plan(plan)
    assert serialized.text.isascii()
    assert json.loads(serialized.text)["id"] == serialized.id


def test_plans_with_the_same_changes_at_different_times_have_different_ids() -> None:
    plan = one_of_everything()
    later = replace(plan, created_at=plan.created_at + timedelta(microseconds=1))
    assert serialize_plan(plan).id != serialize_plan(later).id
