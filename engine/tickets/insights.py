"""What happened to tickets in a period, in numbers. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.tickets.refusal_counts import Refusal
from engine.vocabulary import Role, Status
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.policy import transitions_of


@dataclass(frozen=True, slots=True)
class StatusTime:
    """How long tickets of a workflow stayed in a status before they left it.

    Attributes:
        times: how often a ticket left the status.
        median, ninth_decile: half, or 90 %, of the stays were at most that long.

    """

    workflow: str
    status: Status
    times: int
    median: timedelta
    ninth_decile: timedelta


@dataclass(frozen=True, slots=True)
class UsedTransition:
    """How often users made a transition."""

    workflow: str
    source: Status
    target: Status
    times: int


@dataclass(frozen=True, slots=True)
class TransitionInsights:
    """The transitions of a period.

    Attributes:
        read_since: the time of the oldest entry that was read; later than the beginning of the
            period if the period has more entries than are read. None without entries.

    """

    stays: Sequence[StatusTime]
    used: Sequence[UsedTransition]
    read_since: datetime | None


@dataclass(frozen=True, slots=True)
class SlaCompliance:
    """How many tickets met all of their SLA targets.

    Attributes:
        dimension: `priority` or `group`.
        name: of the priority or of the assignee group; None for tickets without a group.
        met: resolved without a breach.
        missed: with a breach.
        running: neither of them yet.

    """

    dimension: str
    name: str | None
    met: int
    missed: int
    running: int

    @property
    def met_share(self) -> float | None:
        """The share of `met`; None while no ticket met or missed its targets."""
        decided = self.met + self.missed
        return self.met / decided if decided else None


@dataclass(frozen=True, slots=True)
class RefusedTransition:
    """How often a transition was refused for a reason."""

    refusal: Refusal
    times: int


@dataclass(frozen=True, slots=True)
class UnusedTransition:
    """A declared transition that no user made."""

    workflow: str
    source: Status
    target: Status
    role: Role


def unused_transitions(
    workflows: Iterable[CompiledWorkflow], used: Iterable[UsedTransition]
) -> tuple[UnusedTransition, ...]:
    """Return the transitions of active workflows that no user made, by workflow."""
    made = {(each.workflow, each.source, each.target) for each in used if each.times}
    return tuple(
        UnusedTransition(workflow.name, source, target, role)
        for workflow in sorted(workflows, key=lambda each: each.name)
        if not workflow.retired
        for source, target, role in transitions_of(workflow.policy)
        if (workflow.name, source, target) not in made
    )
