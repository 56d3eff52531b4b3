"""The tickets that a plan repairs: those that differ from their histories. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.resources.resource import Key, Kind
from engine.tickets.ticket_drift import DRIFT_COLUMNS, ComparedTickets, TicketDrift, TicketTimes
from engine.vocabulary import Status
from reconciler.forecast import Forecast
from reconciler.impact import AffectedTickets

_EXAMPLES_MOST = 5


@dataclass(frozen=True, slots=True)
class TicketRepairs:
    """The result of a comparison of all tickets with their histories.

    Attributes:
        compared: the number of tickets that were compared.
        invalid: the number of other tickets, whose history is invalid; they are not repaired.
        tickets: the ids of the tickets that the plan repairs, in order.
        columns: how many of them differ in each column; only columns in which any does.
        closing: those that `system` closes within an hour after the repair, and not without it.
        breaching: those for which `system` records a missed SLA target because of the repair.
        is_complete: whether the plan repairs all tickets that differ.

    """

    compared: int
    invalid: int
    tickets: tuple[str, ...]
    columns: Mapping[str, int]
    closing: AffectedTickets
    breaching: AffectedTickets
    is_complete: bool


def repairs_of(compared: ComparedTickets, forecast: Forecast) -> TicketRepairs:
    """Return what a plan repairs.

    Args:
        compared: the tickets.
        forecast: the rules of `system` after the plan.

    """
    drifted = compared.drifted
    counts = Counter(column for drift in drifted for column in drift.columns)
    by, is_on = forecast.observed.by, forecast.is_on_after
    periods = {each.derived.workflow for each in drifted} | {
        each.stored.workflow for each in drifted
    }
    lengths = {name: forecast.grace_period_after(Key(Kind.WORKFLOW, name)) for name in periods}
    closing = (
        each
        for each in drifted
        if _is_over(each.derived, lengths, by) and not _is_over(each.stored, lengths, by)
    )
    breaching = (
        each
        for each in drifted
        if is_on and _is_due(each.derived, by) and not _is_due(each.stored, by)
    )
    return TicketRepairs(
        compared=compared.compared,
        invalid=compared.invalid,
        tickets=tuple(each.ticket for each in drifted),
        columns={column: counts[column] for column in DRIFT_COLUMNS if counts[column]},
        closing=_affected(closing),
        breaching=_affected(breaching),
        is_complete=compared.is_complete,
    )


def _is_over(times: TicketTimes, periods: Mapping[str, timedelta | None], by: datetime) -> bool:
    """Return whether the grace period of a ticket is over by a time."""
    period = periods[times.workflow]
    if times.auto_close_from is None or period is None:
        return False
    return times.auto_close_from < by - period


def _is_due(times: TicketTimes, by: datetime) -> bool:
    """Return whether an SLA target of a ticket is missed by a time."""
    return times.next_due_at is not None and times.next_due_at < by


def _affected(drifted: Iterable[TicketDrift]) -> AffectedTickets:
    """Return tickets by the status that they have after the repair."""
    found = list(drifted)
    counts = Counter[Status](each.derived.status for each in found)
    return AffectedTickets(dict(counts), tuple(each.ticket for each in found[:_EXAMPLES_MOST]))
