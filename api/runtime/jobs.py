"""Work that a server does beside answering, for as long as it runs, whatever fails on the way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog

from engine.errors import Unavailable

Work: TypeAlias = Callable[[], Awaitable[object]]

log: Final = structlog.get_logger(component="background")


def at_all_times() -> bool:
    """Return True: there is nothing that keeps a chore from being done."""
    return True


@dataclass(frozen=True, slots=True)
class PeriodicJob:
    """Work that is done again and again.

    Attributes:
        every: so many seconds pass before each time.
        failure: what the log is told when the work fails; the next time comes all the same.
        wanted: whether it is to be done now; asked each time.

    """

    work: Work
    every: float
    failure: str
    wanted: Callable[[], bool] = at_all_times

    async def repeat(self) -> None:
        """Do the work again and again, for ever."""
        while True:
            await asyncio.sleep(self.every)
            await self.do()

    async def do(self) -> None:
        """Do the work once, if it is wanted."""
        if self.wanted():
            await attempt(self.work, self.failure)


async def attempt(work: Work, failure: str) -> None:
    """Do some work; if it fails, the log tells, and nobody else."""
    try:
        await work()
    except Unavailable as error:
        log.warning(failure, reason=error.message)
    except Exception:  # whatever it is, the next time comes
        log.exception(failure)


@asynccontextmanager
async def run_in_background(*works: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Do works for as long as the block lasts; should one fail, the log tells."""
    tasks = list(map(asyncio.create_task, works))
    for task in tasks:
        task.add_done_callback(tell_of_failure)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def tell_of_failure(task: asyncio.Task[None]) -> None:
    """Write down that work in the background ended by an error."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("work in the background failed", work=str(task.get_coro()), exc_info=error)
