"""Timing things in turn, so that a machine whose speed drifts favours none of them."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter
from typing import Final, TypeAlias

ROUNDS: Final = 7

Seconds: TypeAlias = dict[str, float]
"""How long things took, by name."""


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


def ratio(ours: Iterable[float], theirs: Iterable[float]) -> float:
    """Return the median of the ratios within a round: a machine that slows down slows all."""
    return median(our / their for our, their in zip(ours, theirs, strict=True))


@contextmanager
def timed(seconds: Seconds, name: str) -> Iterator[None]:
    """Note how long a block takes."""
    start = perf_counter()
    yield
    seconds[name] = perf_counter() - start


async def medians_by_name(*works: Callable[[], Awaitable[Seconds]]) -> Seconds:
    """Return the median of everything that was timed, in rounds of all after one warm-up."""
    for work in works:
        await work()
    rounds = [[await work() for work in works] for _ in range(ROUNDS)]
    taken = [{name: one for each in round_ for name, one in each.items()} for round_ in rounds]
    return {name: median(each[name] for each in taken) for name in taken[0]}
