"""The impact of the changes of a plan that a forecast foresees. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from engine.outages.policy import OutageAction, UnhandledService
from engine.resources.resource import Key, Kind
from reconciler.forecast import Forecast, OutageChange, PeriodChange
from reconciler.impact import (
    NO_SERVICES,
    NO_TICKETS,
    AffectedServices,
    AffectedTickets,
    Impact,
)
from reconciler.setting_changes import ENABLED_KEY, VISIBILITY_KEY

EXAMPLES_MOST: Final = 5
"""Ids of tickets, or paths of services, in one group of an impact."""

_OPENING: Final = frozenset({OutageAction.OPEN, OutageAction.REOPEN})
_GROUPS: Final = {
    OutageAction.REOPEN: "reopening",
    OutageAction.CLOSE: "closing",
    OutageAction.COMMENT: "commenting",
}
"""The group of an impact for each action on an existing ticket."""


@dataclass(frozen=True, slots=True)
class CountedChanges:
    """The tickets that the periodic jobs change only with, or only without, a plan.

    Attributes:
        closing: by workflow; `system` closes them only with the plan.
        spared: by workflow; `system` closes them only without the plan.
        breaching: their missed SLA targets are recorded only with the plan.

    """

    closing: Mapping[str, AffectedTickets] = field(default_factory=dict)
    spared: Mapping[str, AffectedTickets] = field(default_factory=dict)
    breaching: AffectedTickets = NO_TICKETS


@dataclass(slots=True)
class _Tally:
    """Collects the affected tickets and services of each change and group."""

    tickets: defaultdict[tuple[Key, str], AffectedTickets] = field(
        default_factory=lambda: defaultdict(lambda: NO_TICKETS)
    )
    services: defaultdict[tuple[Key, str], AffectedServices] = field(
        default_factory=lambda: defaultdict(lambda: NO_SERVICES)
    )

    def add_tickets(self, key: Key, group: str, more: AffectedTickets) -> None:
        known = self.tickets[key, group]
        counts = Counter(known.by_status) + Counter(more.by_status)
        examples = (*known.examples, *more.examples)[:EXAMPLES_MOST]
        if counts:
            self.tickets[key, group] = AffectedTickets(dict(counts), examples)

    def add_service(self, key: Key, group: str, path: str) -> None:
        known = self.services[key, group]
        examples = (*known.examples, path)[:EXAMPLES_MOST]
        self.services[key, group] = AffectedServices(known.services + 1, examples)

    def impacts(self) -> dict[Key, Impact]:
        """Return the impact of each change that affects anything."""
        return {key: self._impact_of(key) for key, _ in (*self.tickets, *self.services)}

    def _impact_of(self, key: Key) -> Impact:
        tickets, services = self.tickets, self.services
        return Impact(
            frozen=tickets[key, "frozen"],
            exposed=tickets[key, "exposed"],
            closing=tickets[key, "closing"],
            reopening=tickets[key, "reopening"],
            breaching=tickets[key, "breaching"],
            commenting=tickets[key, "commenting"],
            spared=tickets[key, "spared"],
            opening=services[key, "opening"],
            abandoned=services[key, "abandoned"],
        )


def foreseen_impacts(
    forecast: Forecast, live: AffectedTickets, counted: CountedChanges
) -> dict[Key, Impact]:
    """Return the foreseen impact of each change that has any.

    Args:
        forecast: what the plan changes about the rules of `system`.
        live: all live tickets.
        counted: the tickets that the periodic jobs change.

    """
    tally = _Tally()
    if forecast.is_switched_off:
        tally.add_tickets(ENABLED_KEY, "frozen", live)
    elif forecast.is_switched:
        tally.add_tickets(ENABLED_KEY, "breaching", counted.breaching)
    for period in forecast.period_changes():
        _add_period(tally, period, counted, forecast)
    for path in forecast.observed.in_outage:
        tally.add_service(Key(Kind.SERVICE, path), "abandoned", path)
    for outage in forecast.outage_changes():
        _add_outage(tally, outage, forecast)
    if forecast.exposes_tickets:
        tally.add_tickets(VISIBILITY_KEY, "exposed", live)
    return tally.impacts()


def _add_period(
    tally: _Tally, period: PeriodChange, counted: CountedChanges, forecast: Forecast
) -> None:
    """Add the tickets that a changed grace period closes, or no longer closes."""
    closing = counted.closing.get(period.workflow, NO_TICKETS)
    tally.add_tickets(period.cause, "closing", closing)
    if not forecast.is_switched_off:  # otherwise they are frozen
        spared = counted.spared.get(period.workflow, NO_TICKETS)
        tally.add_tickets(period.cause, "spared", spared)


def _add_outage(tally: _Tally, outage: OutageChange, forecast: Forecast) -> None:
    """Add what happens to the ticket of a service, or what no longer happens."""
    path, cause = outage.service.state.service.path, outage.cause
    if outage.after is OutageAction.OPEN:
        tally.add_service(cause, "opening", path)
    elif outage.after.writes:
        tally.add_tickets(cause, _GROUPS[outage.after], _ticket_of(outage.service))
    elif outage.before in _OPENING:
        if path not in forecast.observed.in_outage:
            tally.add_service(cause, "abandoned", path)
    elif not forecast.is_switched_off:
        tally.add_tickets(cause, "spared", _ticket_of(outage.service))


def _ticket_of(service: UnhandledService) -> AffectedTickets:
    """Return the latest ticket of a service."""
    if service.latest is None:
        return NO_TICKETS
    ticket = service.latest.ticket
    return AffectedTickets({ticket.status: 1}, (ticket.id,))
