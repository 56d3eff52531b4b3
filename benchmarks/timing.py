"""Timing two things in turn, so that a machine whose speed drifts does not favour either."""

from collections.abc import Callable
from statistics import median
from time import perf_counter

ROUNDS = 7


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
