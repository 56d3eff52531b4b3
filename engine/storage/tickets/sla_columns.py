"""The columns of `tickets` that hold due times, so that an index finds them."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Final

from engine.tickets.history import Entry
from engine.tickets.sla_timers import DueTimes, build_timers

_DUE_COLUMNS: Final = tuple(field.name for field in fields(DueTimes))
SLA_COLUMNS: Final = (*_DUE_COLUMNS, "sla_version")


def _due_columns(due: DueTimes) -> dict[str, object]:
    """Return due times by column; `asdict` copies every timestamp and takes ten times as long."""
    return {name: getattr(due, name) for name in _DUE_COLUMNS}


NO_SLA_COLUMNS: Final = _due_columns(DueTimes()) | {"sla_version": None}


def sla_columns(history: Sequence[Entry]) -> dict[str, object]:
    """Compute the values of `SLA_COLUMNS` from the whole history of a ticket."""
    sla = build_timers(history)
    if sla is None:
        return NO_SLA_COLUMNS
    return _due_columns(DueTimes.of(sla)) | {"sla_version": history[-1].seq}
