"""Reads what a forecast depends on, and returns the impact that it foresees."""

import asyncio
from collections.abc import Mapping, Sequence

from engine.outages.policy import OutageAction
from engine.resources.resource import Kind, Snapshot
from engine.storage.outages.unhandled import find_services_in_outage, read_unhandled_services
from engine.storage.postgres.database import Session
from engine.storage.resources.plugins import read_ticketing_switches
from engine.storage.sla.auto_close import read_grace_periods
from engine.storage.sla.forecast import (
    ComparedPeriods,
    CountedTickets,
    count_breaches,
    count_closings,
)
from engine.tickets.sla_timers import build_timers
from reconciler.diff import Action, Change, apply_changes
from reconciler.forecast import Forecast, Observation
from reconciler.foreseen_impact import EXAMPLES_MOST, CountedChanges
from reconciler.impact import NO_TICKETS, AffectedTickets


async def read_forecast(session: Session, live: Snapshot, changes: Sequence[Change]) -> Forecast:
    """Return what changes mean for the rules of `system`.

    Args:
        session: a transaction that reads one snapshot, or that has locked the tickets.
        live: the live resources.
        changes: the changes of a plan.

    """
    switches = await read_ticketing_switches(session)
    periods = await read_grace_periods(session)
    retired = [each.name for each in changes if _retires_service(each)]
    observed = Observation(
        now=switches.now,
        is_on=switches.declared and switches.enabled,
        is_allowed=switches.enabled,
        grace_periods={name: period.length for name, period in periods.by_workflow.items()},
        unhandled=tuple(await read_unhandled_services(session)),
        in_outage=tuple(await find_services_in_outage(session, retired)) if retired else (),
    )
    after = apply_changes(live, changes)
    return Forecast(live, after, {each.key: each for each in changes}, observed)


def _retires_service(change: Change) -> bool:
    return change.kind is Kind.SERVICE and change.action is Action.RETIRE


async def count_foreseen_changes(session: Session, forecast: Forecast) -> CountedChanges:
    """Count the tickets that the periodic jobs change only with, or only without, a plan."""
    periods = await asyncio.to_thread(lambda: list(forecast.period_changes()))
    closing = [ComparedPeriods(each.workflow, each.after, each.before) for each in periods]
    spared = [ComparedPeriods(each.workflow, each.before, each.after) for each in periods]
    return CountedChanges(
        await _count_closings(session, closing, forecast),
        await _count_closings(session, spared, forecast),
        await _count_breaches(session, forecast),
    )


async def _count_closings(
    session: Session, periods: Sequence[ComparedPeriods], forecast: Forecast
) -> Mapping[str, AffectedTickets]:
    if not periods:
        return {}
    counted = await count_closings(session, periods, forecast.observed.by, EXAMPLES_MOST)
    return {workflow: _affected(tickets) for workflow, tickets in counted.items()}


async def _count_breaches(session: Session, forecast: Forecast) -> AffectedTickets:
    """Count the tickets whose missed SLA targets are recorded when ticketing is switched on."""
    if not forecast.is_switched or forecast.is_switched_off:
        return NO_TICKETS
    excluded = _closed_before_due(forecast)
    return _affected(await count_breaches(session, forecast.observed.by, excluded, EXAMPLES_MOST))


def _closed_before_due(forecast: Forecast) -> list[str]:
    """Return the ids of the outage tickets that are closed before they miss an SLA target."""
    closed = (
        outage.service.latest
        for outage in forecast.outage_changes()
        if outage.after is OutageAction.CLOSE
    )
    return [
        latest.ticket.id
        for latest in closed
        if latest is not None
        and (timers := build_timers(latest.history))
        and not timers.unrecorded_breaches(forecast.observed.now)
    ]


def _affected(counted: CountedTickets) -> AffectedTickets:
    return AffectedTickets(counted.by_status, counted.examples)
