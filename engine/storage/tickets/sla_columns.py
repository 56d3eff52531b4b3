"""The due times that stand beside a ticket, so that they are found by index."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Final

from engine.tickets.history import Entry
from engine.tickets.sla_timers import DueTimes, build_timers

DUE_COLUMNS: Final = tuple(field.name for field in fields(DueTimes))
SLA_COLUMNS: Final = (*DUE_COLUMNS, "sla_version")


def columns_of(due: DueTimes) -> dict[str, object]:
    """Return due times by column; `asdict` would copy every moment, at ten times the cost."""
    return {name: getattr(due, name) for name in DUE_COLUMNS}


NO_SLA_COLUMNS: Final = columns_of(DueTimes()) | {"sla_version": None}


def sla_columns(history: Sequence[Entry]) -> dict[str, object]:
    """Return `SLA_COLUMNS` of a ticket by its whole history."""
    sla = build_timers(history)
    if sla is None:
        return NO_SLA_COLUMNS
    return columns_of(DueTimes.of(sla)) | {"sla_version": history[-1].seq}
