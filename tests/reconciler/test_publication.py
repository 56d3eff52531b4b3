"""A change makes groups public only if the status page is on after it."""

import pytest

from engine.resources.resource import Resource
from reconciler.hazards import HazardCode, hazards
from tests.support.plans import plan_between
from tests.support.resources import retired, sla_targets, snapshot, status_page

ON, OFF = status_page(enabled=True), status_page(enabled=False)
SHOP, BOTH = sla_targets("shop"), sla_targets("shop", "search")
SETTINGS = {
    "the page is switched on": ([SHOP], [SHOP, ON], "setting statusPage", {"shop"}),
    "a group is added": ([SHOP, ON], [BOTH, ON], "setting slaTargets", {"search"}),
    "both": ([SHOP, OFF], [BOTH, ON], "setting statusPage", {"shop", "search"}),
    "the page is revived": ([SHOP, retired(ON)], [SHOP, ON], "setting statusPage", {"shop"}),
    "a group is added while the page is off": ([SHOP, OFF], [BOTH, OFF], "", set()),
    "a group is removed": ([BOTH, ON], [SHOP, ON], "", set()),
    "the page is switched off": ([BOTH, ON], [BOTH, OFF], "", set()),
    "only the look changes": (
        [SHOP, ON],
        [SHOP, status_page(enabled=True, companyName="Acme")],
        "",
        set(),
    ),
}


@pytest.mark.parametrize(("live", "desired", "key", "groups"), SETTINGS.values(), ids=SETTINGS)
def test_publication(
    live: list[Resource], desired: list[Resource], key: str, groups: set[str]
) -> None:
    plan = plan_between(snapshot(*live), snapshot(*desired))
    published = {
        (str(change.key), group) for change in plan.changes for group in change.impact.published
    }
    assert published == {(key, group) for group in groups}
    found = [each for each in hazards(plan) if each.code is HazardCode.PUBLISHES_GROUP]
    assert len(found) == len(groups)
