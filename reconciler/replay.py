"""The recorded transitions that proposed workflows would have refused. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.tickets.history import RecordedTransitions
from engine.workflows.policy import permits


@dataclass(frozen=True, slots=True)
class Replay:
    """The transitions of the last days, checked against the proposed workflows.

    Attributes:
        days: the length of the replayed period.
        times: the number of transitions in that period.
        refused: those that the proposed workflows would refuse, most frequent first.

    """

    days: int
    times: int
    refused: tuple[RecordedTransitions, ...]


def replay_transitions(
    recorded: Sequence[RecordedTransitions], policies: Mapping[str, int], days: int
) -> Replay:
    """Check transitions against the policies of their workflows; one without a policy has none."""
    refused = [
        each
        for each in recorded
        if not permits(policies.get(each.workflow, 0), each.source, each.target, each.held)
    ]
    refused.sort(key=lambda each: (-each.times, each.workflow, each.source, each.target))
    return Replay(days, sum(each.times for each in recorded), tuple(refused))
