"""Counts refused transitions in memory, until a background task records them. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from engine.errors import ForbiddenTransition
from engine.limits import COUNTED_REFUSALS

_FACTS: Final = ("workflow", "from", "to", "reason")


class Refusal(NamedTuple):
    """Which transition was refused, and why."""

    workflow: str
    source: str
    target: str
    reason: str


class RefusalCounts:
    """How often each transition was refused since the counts were last taken.

    Args:
        most: different refusals to count; others are not counted, so that memory is bounded.

    """

    def __init__(self, most: int = COUNTED_REFUSALS) -> None:
        self._most = most
        self._counts = Counter[Refusal]()

    def add(self, error: ForbiddenTransition) -> None:
        """Count a refused transition."""
        self._add(Refusal(*(str(error.details[name]) for name in _FACTS)), 1)

    def take(self) -> Mapping[Refusal, int]:
        """Return the counts, and start again from zero."""
        taken, self._counts = self._counts, Counter()
        return taken

    def put_back(self, counts: Mapping[Refusal, int]) -> None:
        """Add counts again that could not be recorded."""
        for refusal, times in counts.items():
            self._add(refusal, times)

    def _add(self, refusal: Refusal, times: int) -> None:
        if refusal in self._counts or len(self._counts) < self._most:
            self._counts[refusal] += times
