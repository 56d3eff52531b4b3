"""Time functions alternately, so that changes in the speed of the machine affect all of them."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter
from typing import Final, TypeAlias

ROUNDS: Final = 7

Seconds: TypeAlias = dict[str, float]
"""Durations by name."""


def _duration(work: Callable[[], object]) -> float:
    """Return the duration of a call."""
    start = perf_counter()
    work()
    return perf_counter() - start


def medians(*works: Callable[[], object]) -> tuple[float, ...]:
    """Return the median duration of each function, called alternately after one warm-up."""
    for work in works:
        work()
    rounds = [[_duration(work) for work in works] for _ in range(ROUNDS)]
    return tuple(median(times) for times in zip(*rounds, strict=True))


def ratio(ours: Iterable[float], theirs: Iterable[float]) -> float:
    """Return the median of the ratios within a round, which do not depend on the machine."""
    return median(our / their for our, their in zip(ours, theirs, strict=True))


@contextmanager
def timed(seconds: Seconds, name: str) -> Iterator[None]:
    """Store the duration of a block."""
    start = perf_counter()
    yield
    seconds[name] = perf_counter() - start


async def medians_by_name(*works: Callable[[], Awaitable[Seconds]]) -> Seconds:
    """Return the median of each named duration, over rounds of all functions after one warm-up."""
    for work in works:
        await work()
    rounds = [[await work() for work in works] for _ in range(ROUNDS)]
    taken = [{name: one for each in round_ for name, one in each.items()} for round_ in rounds]
    return {name: median(each[name] for each in taken) for name in taken[0]}
