"""The due times that stand beside a ticket, so that they are found by index."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Final

from engine.tickets.history import Entry
from engine.tickets.sla import DueTimes, sla_of

SLA_COLUMNS: Final = (*(field.name for field in fields(DueTimes)), "sla_version")


NOTHING_PROMISED: Final = asdict(DueTimes()) | {"sla_version": None}


def sla_columns(history: Sequence[Entry]) -> dict[str, object]:
    """Return `SLA_COLUMNS` of a ticket by its whole history."""
    sla = sla_of(history)
    if sla is None:
        return NOTHING_PROMISED
    return asdict(DueTimes.of(sla)) | {"sla_version": history[-1].seq}
