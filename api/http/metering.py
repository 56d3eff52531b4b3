"""Measures how long the server computes for a request."""

from collections.abc import Awaitable, Callable, Generator
from time import perf_counter
from types import coroutine
from typing import Any, TypeVar

T = TypeVar("T")


@coroutine
def metered(
    work: Awaitable[T], charge: Callable[[float], None], free_seconds: float
) -> Generator[Any, Any, T]:
    """Await work, and charge the time of its steps: what it computes between two waits.

    Meanwhile the server serves no other request, so this is the share of the server that the work
    takes, whatever the speed of the machine. Tasks that the work starts are not measured.

    Args:
        work: a coroutine.
        charge: called with seconds, after each step that makes a difference.
        free_seconds: the time at the beginning that is not charged.

    """
    steps = work.__await__()
    step: Callable[[Any], Any] = steps.send
    argument: Any = None
    seconds = -free_seconds
    while True:
        started = perf_counter()
        try:
            awaited = step(argument)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            seconds += perf_counter() - started
            if seconds > 0:
                charge(seconds)
                seconds = 0
        try:
            argument, step = (yield awaited), steps.send
        except GeneratorExit:
            steps.close()
            raise
        except BaseException as error:  # noqa: BLE001  # such as a cancellation, for the coroutine
            argument, step = error, steps.throw
