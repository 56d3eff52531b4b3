"""What recorded transitions a proposed workflow would have refused. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.tickets.history import RecordedTransitions
from engine.workflows.policy import permits


@dataclass(frozen=True, slots=True)
class Replay:
    """The recorded transitions of a window, judged by the proposed policies.

    Attributes:
        days: how far the window reaches back.
        times: how many transitions were judged.
        refused: those that the proposed workflows would not allow, most frequent first.

    """

    days: int
    times: int
    refused: tuple[RecordedTransitions, ...]


def replayed(
    recorded: Iterable[RecordedTransitions], policies: Mapping[str, int], days: int
) -> Replay:
    """Judge recorded transitions by policies in force; a workflow without one allows nothing."""
    recorded = tuple(recorded)
    refused = [
        moves
        for moves in recorded
        if not permits(policies.get(moves.workflow, 0), moves.source, moves.target, moves.held)
    ]
    refused.sort(key=lambda moves: (-moves.times, moves.workflow, moves.source, moves.target))
    return Replay(days, sum(moves.times for moves in recorded), tuple(refused))
