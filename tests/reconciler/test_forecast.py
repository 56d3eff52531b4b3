"""A plan names exactly what `system` does within an hour after it, and would not do without it."""

import asyncio
from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings
from sqlalchemy.engine import make_url

from engine.resources.resource import Kind
from reconciler.desired import Desired
from reconciler.diff import Action
from reconciler.hazards import HazardCode, hazards
from reconciler.impact import AffectedServices, AffectedTickets
from reconciler.plan import Plan
from reconciler.planner import make_plan
from tests.support.databases import new_database
from tests.support.forecast_world import WORLDS, ForecastWorld, Outcome, Stage, open_stage


def test_the_forecast_is_what_happens(template: str) -> None:
    @settings(
        max_examples=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[
            Phase.explicit,
            Phase.reuse,
            Phase.generate,
        ],  # each example takes too long to shrink
    )
    @given(WORLDS)
    def compare(world: ForecastWorld) -> None:
        asyncio.run(compare_forecast(template, world))

    compare()


async def compare_forecast(server: str, world: ForecastWorld) -> None:
    """Compare the plan of a world with what happens in two copies of it, with and without it."""
    async with new_database(server) as url:
        async with open_stage(url) as stage:
            await stage.prepare(world)
        async with (
            new_database(server, str(make_url(url).database)) as copy,
            open_stage(copy, is_copy=True) as stage,
        ):
            without_plan = await stage.run_an_hour()
        async with open_stage(url, is_copy=True) as stage:
            plan = await plan_for(stage, world)
            await stage.declare(world.desired_resources)
            with_plan = await stage.run_an_hour()
    gained, lost = with_plan.without(without_plan), without_plan.without(with_plan)
    check_what_happens(plan, gained)
    check_what_no_longer_happens(plan, gained, lost)


async def plan_for(stage: Stage, world: ForecastWorld) -> Plan:
    async with stage.database.snapshot() as session:
        return await make_plan(session, Desired(world.desired_resources), "tests")


def named(plan: Plan, group: str) -> set[str]:
    """Return the ids or paths in a group of the impact of all changes.

    A world has at most five tickets, so the examples in a plan are complete.
    """
    affected = [getattr(change.impact, group) for change in plan.changes]
    for each in affected:
        assert isinstance(each, AffectedTickets | AffectedServices)
        size = each.tickets if isinstance(each, AffectedTickets) else each.services
        assert size == len(set(each.examples))
    found = [name for each in affected for name in each.examples]
    assert len(found) == len(set(found))
    return set(found)


def check_what_happens(plan: Plan, gained: Outcome) -> None:
    assert named(plan, "closing") == gained.closed
    assert named(plan, "reopening") == gained.reopened
    assert named(plan, "commenting") == gained.commented
    assert named(plan, "opening") == gained.opened
    breaching = named(plan, "breaching")
    assert breaching <= gained.breached
    assert gained.breached - breaching <= gained.reopened  # their timers continue
    totals = Counter[HazardCode]()
    for hazard in hazards(plan):
        totals[hazard.code] += hazard.tickets
    assert totals[HazardCode.CLOSES_TICKETS] == len(gained.closed)
    assert totals[HazardCode.OPENS_TICKETS] == len(gained.opened) + len(gained.reopened)
    assert totals[HazardCode.BREACHES_TARGETS] == len(breaching)


def check_what_no_longer_happens(plan: Plan, gained: Outcome, lost: Outcome) -> None:
    codes = {hazard.code for hazard in hazards(plan)}
    abandoned = named(plan, "abandoned")
    prevented = (lost.opened | lost.reopened_services) - gained.services
    assert prevented <= abandoned
    assert abandoned - prevented <= {
        change.name
        for change in plan.changes
        if change.kind is Kind.SERVICE and change.action is Action.RETIRE
    }
    if HazardCode.SWITCHES_TICKETING_OFF in codes:
        assert named(plan, "spared") == set()
        return  # all live tickets are frozen
    spared, changed = named(plan, "spared"), lost.closed | lost.commented
    assert changed - gained.closed - gained.commented <= spared <= changed
    assert lost.breached <= gained.closed | lost.reopened
