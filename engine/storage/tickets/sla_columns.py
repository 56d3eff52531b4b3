"""The columns of `tickets` that hold due times, so that an index finds them."""

from collections.abc import Sequence
from typing import Final

from engine.tickets.history import Entry
from engine.tickets.sla_timers import DueTimes, build_timers

NO_SLA_COLUMNS: Final[dict[str, object]] = DueTimes()._asdict() | {"sla_version": None}


def sla_columns(history: Sequence[Entry]) -> dict[str, object]:
    """Compute the values of `SLA_COLUMNS` from the whole history of a ticket."""
    timers = build_timers(history)
    if timers is None:
        return NO_SLA_COLUMNS
    return DueTimes.of(timers)._asdict() | {"sla_version": history[-1].seq}
