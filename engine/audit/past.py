"""A ticket between two entries, and what a rule needs to judge the next one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.audit.declared_history import DeclaredHistory, RevisionPeriod
from engine.tickets.history import Entry, EntryKind
from engine.tickets.sla_targets import TARGETS_KEY
from engine.tickets.ticket import Ticket, apply_entry, opened_ticket
from engine.vocabulary import SYSTEM


@dataclass(slots=True)
class Past:
    """A ticket after its entries so far.

    Attributes:
        entries: the entries so far.
        has_sla_by_priority: whether each change of priority sets new SLA targets.
        is_handled_by_user: whether an actor other than `system` has made an entry.
        last_transition: the last change of the status, if any.

    """

    ticket: Ticket
    entries: list[Entry]
    has_sla_by_priority: bool
    is_handled_by_user: bool
    last_transition: Entry | None = None

    @classmethod
    def of(cls, created: Entry, opening: Mapping[str, Any]) -> "Past":
        """Return the ticket after its first entry, whose details are `opening`."""
        targets = opening[TARGETS_KEY]
        return cls(
            ticket=opened_ticket(created, opening),
            entries=[created],
            has_sla_by_priority=targets is not None and targets["by_priority"],
            is_handled_by_user=created.actor != SYSTEM,
        )

    def append(self, entry: Entry) -> None:
        """Add the next entry."""
        self.ticket = apply_entry(self.ticket, entry)
        self.entries.append(entry)
        if entry.actor != SYSTEM:
            self.is_handled_by_user = True
        if entry.kind is EntryKind.STATUS:
            self.last_transition = entry


class Case(NamedTuple):
    """An entry to judge.

    Attributes:
        past: the ticket before the entry.
        period: when the revision that the entry names was the latest one.

    """

    declared: DeclaredHistory
    past: Past
    entry: Entry
    period: RevisionPeriod
