"""Background work of a server: it continues after errors, and logs them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog

from engine.errors import Unavailable

Job: TypeAlias = Callable[[], Awaitable[object]]

log: Final = structlog.get_logger(component="background")


@dataclass(frozen=True, slots=True)
class PeriodicJob:
    """A job that runs again and again.

    Attributes:
        interval_seconds: the time before each run.
        failure: the log message when a run fails; the next run still happens.
        is_due: whether to run now; called before each run.

    """

    job: Job
    interval_seconds: float
    failure: str
    is_due: Callable[[], bool] = lambda: True

    async def repeat(self) -> None:
        """Run the job until the task is cancelled."""
        while True:
            await asyncio.sleep(self.interval_seconds)
            await self.run()

    async def run(self) -> None:
        """Run the job once, if it is due."""
        if self.is_due():
            await run_logged(self.job, self.failure)


async def run_logged(job: Job, failure: str) -> None:
    """Run a job; log its error instead of raising it."""
    try:
        await job()
    except Unavailable as error:
        log.warning(failure, reason=error.message)
    except Exception:  # any error: the next run still happens
        log.exception(failure)


@asynccontextmanager
async def run_in_background(*coroutines: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run coroutines for the duration of the block; log the error of one that fails."""
    tasks = list(map(asyncio.create_task, coroutines))
    for task in tasks:
        task.add_done_callback(_log_failure)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("background task failed", task=str(task.get_coro()), exc_info=error)
