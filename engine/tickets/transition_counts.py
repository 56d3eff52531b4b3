"""Counts the transitions that a server made and refused, since it started. Pure."""

from collections import Counter
from dataclasses import dataclass, field

from engine.errors import ForbiddenTransition
from engine.tickets.refusal_counts import RefusalCounts
from engine.tickets.ticket import Ticket


@dataclass(frozen=True, slots=True)
class TransitionCounts:
    """The counts of one server.

    Attributes:
        made: how many transitions were made, by workflow and status.
        refused: how many were refused, by workflow and reason.
        unrecorded: the refusals that the database does not contain yet.

    """

    made: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    unrecorded: RefusalCounts = field(default_factory=RefusalCounts)

    def add_made(self, ticket: Ticket) -> None:
        """Count a transition that has led to this ticket."""
        self.made[ticket.workflow, ticket.status] += 1

    def add_refused(self, error: ForbiddenTransition) -> None:
        """Count a refused transition."""
        self.refused[str(error.details["workflow"]), str(error.details["reason"])] += 1
        self.unrecorded.add(error)
