"""The due times that stand beside a ticket, so that they are found by index."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Final

from engine.tickets.history import Entry
from engine.tickets.sla import DueTimes, sla_of

SLA_COLUMNS: Final = (*(field.name for field in fields(DueTimes)), "sla_version")


def sla_columns(history: Sequence[Entry]) -> dict[str, object]:
    """Return `SLA_COLUMNS` of a ticket by its whole history."""
    sla = sla_of(history)
    version = None if sla is None else history[-1].seq
    return asdict(DueTimes.of(sla)) | {"sla_version": version}
