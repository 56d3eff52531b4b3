"""Timing things in turn, so that a machine whose speed drifts favours none of them."""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Final, TypeAlias

ROUNDS: Final = 7

Row: TypeAlias = tuple[str, str, str, str, str]
"""What was timed, its median, the reference, its median, and the ratio of the two."""


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


def medians(*works: Callable[[], object]) -> tuple[float, ...]:
    """Return the median seconds of each, taken in turn after one warm-up."""
    for work in works:
        work()
    rounds = [[seconds(work) for work in works] for _ in range(ROUNDS)]
    return tuple(median(times) for times in zip(*rounds, strict=True))
