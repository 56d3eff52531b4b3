"""The hazards of plans, and the flags that acknowledge them."""

import pytest
from hypothesis import given

from engine.errors import RefusedByGuard
from engine.resources.resource import Resource
from reconciler.hazards import (
    Allowances,
    HazardCode,
    check_guards,
    count_stranded_or_stuck,
    hazards,
)
from reconciler.plan import Plan
from tests.support.generated_plans import PLANS
from tests.support.plans import INCIDENT, every_hazard, plan_between
from tests.support.resources import retired, snapshot, visibility, workflow


def test_every_hazard_has_its_remedy() -> None:
    found = {hazard.code: hazard for hazard in hazards(every_hazard())}
    assert set(found) == set(HazardCode)
    assert found[HazardCode.STRANDS_TICKETS].tickets == 12
    assert found[HazardCode.STRANDS_TICKETS].remedy == "--max-stranded 15"
    assert found[HazardCode.BLOCKS_TICKETS].remedy == "--max-stranded 15"


@given(PLANS)
def test_a_plan_passes_with_the_remedies_of_its_refusal(plan: Plan) -> None:
    generous = Allowances(count_stranded_or_stuck(plan), widening=True, many_retired=True)
    check_guards(plan, generous)
    if hazards(plan):
        with pytest.raises(RefusedByGuard) as refused:
            check_guards(plan, Allowances())
        assert all(each.remedy in refused.value.message for each in hazards(plan))


def test_a_refusal_lists_the_hazards_with_their_flags() -> None:
    with pytest.raises(RefusedByGuard) as refused:
        check_guards(every_hazard(), Allowances(15, many_retired=True))
    assert refused.value.message.splitlines() == [
        "The plan has hazards that were not acknowledged; pass the listed flags.",
        (
            "--allow-widening: Under workflow incident_response,"
            " more users can make these transitions: RESOLVED -> CLOSED."
        ),
    ]


def test_one_ticket_more_than_allowed_is_refused() -> None:
    plan = every_hazard()
    check_guards(plan, Allowances(15, widening=True, many_retired=True))
    with pytest.raises(RefusedByGuard):
        check_guards(plan, Allowances(14, widening=True, many_retired=True))


def test_a_new_workflow_widens_no_rights() -> None:
    assert hazards(plan_between({}, snapshot(workflow("w", INCIDENT)))) == ()


VISIBILITY_CHANGES = {
    "from involved to everyone": (visibility("involved"), visibility("everyone"), True),
    "from everyone to involved": (visibility("everyone"), visibility("involved"), False),
    "still involved": (visibility("involved"), visibility("involved"), False),
    "from the default to everyone": (None, visibility("everyone"), False),
    "from the default to involved": (None, visibility("involved"), False),
    "from retired to everyone": (retired(visibility("involved")), visibility("everyone"), False),
    "from involved to the default": (visibility("involved"), None, True),
}


@pytest.mark.parametrize(
    ("before", "after", "widens"), VISIBILITY_CHANGES.values(), ids=VISIBILITY_CHANGES
)
def test_making_all_tickets_readable_widens_rights(
    before: Resource | None, after: Resource | None, *, widens: bool
) -> None:
    plan = plan_between(snapshot(*filter(None, [before])), snapshot(*filter(None, [after])))
    assert [each.code for each in hazards(plan)] == [HazardCode.WIDENS_RIGHTS] * widens
