"""A bound on how long many tasks take, each for itself, kept by one timer.

`asyncio.timeout` makes a timer for each, which costs a thirtieth of a whole request. What is bound
by the same seconds ends in the order in which it began: so one timer, for the first, will do.
"""

import asyncio
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


class TimeLimit:
    """As many seconds for each of many blocks: `with limit.of_this_task(): …`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._begun: dict[TimedBlock, None] = {}
        self._is_watched = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def of_this_task(self) -> "TimedBlock":
        """Bound a block of the running task; TimeoutError at its end if it was cut off."""
        task = self._running_task()
        return TimedBlock(self, task, task.get_loop().time() + self.seconds, task.cancelling())

    def _running_task(self) -> "asyncio.Task[object]":
        """Return the running task; which loop it runs on is a system call to ask, so it is kept."""
        task = asyncio.current_task(self._loop) if self._loop else None
        if task is None:
            self._loop = asyncio.get_running_loop()
            task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("There is no task whose time could be bound.")
        return task

    def begin(self, block: "TimedBlock") -> None:
        """Watch a block that begins."""
        self._begun[block] = None
        if not self._is_watched:
            self._watch(block)

    def end(self, block: "TimedBlock") -> None:
        """Watch a block no more."""
        self._begun.pop(block, None)

    def _watch(self, first: "TimedBlock") -> None:
        self._is_watched = True
        first.task.get_loop().call_at(first.ends, self._cut_off)

    def _cut_off(self) -> None:
        """Cut off what is over, and wait for what is over next."""
        self._is_watched = False
        for block in tuple(self._begun):
            if block.ends > block.task.get_loop().time():
                self._watch(block)
                return
            del self._begun[block]
            block.cut_off()


@dataclass(slots=True, eq=False)
class TimedBlock:
    """A block of a task, as `asyncio.timeout` has it.

    Attributes:
        ends: at the latest, by the clock of the loop.
        cancelling: how often somebody had asked the task to end before the block.
        is_cut_off: whether its time was over.

    """

    limit: TimeLimit
    task: asyncio.Task[object]
    ends: float
    cancelling: int
    is_cut_off: bool = field(default=False, init=False)

    def __enter__(self) -> Self:
        self.limit.begin(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.limit.end(self)
        if not self.is_cut_off:
            return
        is_ours = self.task.uncancel() <= self.cancelling
        if is_ours and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error

    def cut_off(self) -> None:
        """Cancel what the block is waiting for."""
        self.is_cut_off = True
        self.task.cancel()
