"""Measures how long the server computes for a request."""

from collections.abc import Awaitable, Callable, Generator
from time import perf_counter, thread_time
from types import coroutine
from typing import Any, Final, TypeVar

_SHORT_SECONDS: Final = 0.1
"""A process that a scheduler interrupts for longer is stopped, or on an overloaded machine."""
_BUSY_PROCESSES: Final = 10
"""How many processes can share a processor before the waits for it are not charged."""

T = TypeVar("T")


@coroutine
def metered(
    work: Awaitable[T], charge: Callable[[float], None], free_seconds: float
) -> Generator[Any, Any, T]:
    """Await work, and charge the time of its steps: what it computes between two waits.

    Meanwhile the server serves no other request, so this is the share of the server that the work
    takes, whatever the speed of the machine. Tasks that the work starts are not measured. While
    the process is stopped, nothing is charged (see `seconds_of_step`).

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
        started, computed = perf_counter(), thread_time()
        try:
            awaited = step(argument)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            passed = perf_counter() - started
            if passed > _SHORT_SECONDS:
                passed = seconds_of_step(passed, thread_time() - computed)
            seconds += passed
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


def seconds_of_step(passed: float, computed: float) -> float:
    """Return what a step is charged.

    A step holds up all other requests while it waits for a processor, too, so the time that passed
    counts. But a process that was stopped, such as with its virtual machine, computed next to
    nothing: its viewer is not charged for what no work of theirs took.

    Args:
        passed: the seconds from the beginning to the end of the step.
        computed: the seconds of the processor in between.

    """
    return min(passed, _SHORT_SECONDS + _BUSY_PROCESSES * computed)
