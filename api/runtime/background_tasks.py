"""The background tasks of a server, and the supervisor that keeps all of them running.

Each task waits until there can be work, does it, and waits again. After any error, the supervisor
runs the task again, with a delay that grows with each failure.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias

import structlog
from prometheus_client import Counter, Gauge

from api.limits import (
    SERVER_LIMITS,
    TASK_RETRY_SECONDS,
    TASK_RETRY_SECONDS_MAX,
    TASK_RUN_SECONDS_MAX,
)
from api.log_context import cause_fields
from engine.errors import Unavailable

Job: TypeAlias = Callable[[], Awaitable[object]]

log: Final = structlog.get_logger(component="background")


def every(seconds: float) -> Job:
    """Return the `wait` of a task that runs at regular intervals."""
    return partial(asyncio.sleep, seconds)


def retry_delay(failures: int) -> float:
    """Return the seconds until the next run: random, so that servers do not act in step."""
    longest = min(TASK_RETRY_SECONDS * 2 ** min(failures - 1, 10), TASK_RETRY_SECONDS_MAX)
    return random.uniform(longest / 2, longest)  # noqa: S311  # jitter is not a secret


@dataclass(frozen=True, slots=True)
class BackgroundTask:
    """Work that a server does again and again.

    Attributes:
        name: in metrics, in the log and in the response of `/readyz`.
        run: does the work that there is now.
        wait: returns when there can be work again. Not called after a failure.
        is_due: whether to run now; called before each run.
        run_seconds_max: a run that takes longer is cancelled, and counts as a failure.
        is_essential: whether the server returns wrong or stale data while the task fails.
        on_long_failure: called after each failure from `task_failure_seconds` on.

    """

    name: str
    run: Job
    wait: Job
    is_due: Callable[[], bool] = lambda: True
    run_seconds_max: float = TASK_RUN_SECONDS_MAX
    is_essential: bool = False
    on_long_failure: Callable[[], None] = lambda: None


class BackgroundTaskFailed(Unavailable):
    """Background tasks that requests depend on fail. The log has the reasons."""


class Supervisor:
    """Runs background tasks, each of them again after any error.

    Args:
        failure_seconds: how long an essential task can fail before the server is not ready.
        delay: returns the seconds until the next run after a number of failures.
        clock: a monotonic clock in seconds.

    """

    def __init__(
        self,
        failure_seconds: float = SERVER_LIMITS.task_failure_seconds,
        delay: Callable[[int], float] = retry_delay,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failure_seconds = failure_seconds
        self._delay = delay
        self._clock = clock
        self._tasks: list[_SupervisedTask] = []
        self._up = Gauge(
            "interlock_background_task_up",
            "1 if the last run of the background task succeeded, 0 if it failed.",
            ["task"],
            registry=None,
        )
        self._lag = Gauge(
            "interlock_background_task_lag_seconds",
            "How long the work of the background task is overdue; 0 if it is done.",
            ["task"],
            registry=None,
        )
        self._runs = Counter(
            "interlock_background_task_runs",
            "Runs of the background task.",
            ["task", "outcome"],
            registry=None,
        )
        self.collectors = (self._up, self._lag, self._runs)

    @asynccontextmanager
    async def run(self, tasks: Iterable[BackgroundTask]) -> AsyncIterator[None]:
        """Run tasks for the duration of the block."""
        running = [
            asyncio.create_task(
                self._supervise(task).keep_running(),
                context=Context(),  # not that of a request, whose values all its log lines have
            )
            for task in tasks
        ]
        try:
            yield
        finally:
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def check(self) -> None:
        """Raise BackgroundTaskFailed if an essential task fails, or hangs, for too long."""
        essential = (each for each in self._tasks if each.task.is_essential)
        if failed := [each.task.name for each in essential if each.has_failed_long]:
            raise BackgroundTaskFailed(
                f"Background tasks have failed for {self._failure_seconds:g} seconds: "
                f"{', '.join(failed)}. The log of the server has the reason.",
                tasks=failed,
            )

    def _supervise(self, task: BackgroundTask) -> "_SupervisedTask":
        """Return a task with its state and its metrics."""
        name = task.name
        succeeded, failed = (self._runs.labels(name, each) for each in ("succeeded", "failed"))
        supervised = _SupervisedTask(
            task, self._failure_seconds, self._delay, self._clock, succeeded, failed
        )
        self._up.labels(name).set_function(lambda: supervised.failures == 0)
        self._lag.labels(name).set_function(lambda: supervised.lag_seconds)
        self._tasks.append(supervised)
        return supervised


@dataclass(slots=True)
class _SupervisedTask:
    """A background task with its failures.

    Attributes:
        failures: the number of failures since the last success.
        overdue_since: when the first run began that has not succeeded yet; None if no work is
            overdue.

    """

    task: BackgroundTask
    failure_seconds: float
    delay: Callable[[int], float]
    clock: Callable[[], float]
    succeeded: Counter
    failed: Counter
    failures: int = field(init=False, default=0)
    overdue_since: float | None = field(init=False, default=None)

    @property
    def lag_seconds(self) -> float:
        """How long the work is overdue."""
        return 0 if self.overdue_since is None else self.clock() - self.overdue_since

    @property
    def has_failed_long(self) -> bool:
        """Whether the work is overdue for too long."""
        return self.lag_seconds > self.failure_seconds

    async def keep_running(self) -> None:
        """Repeat the work, again after each error, until this coroutine is cancelled.

        The work has an asyncio task of its own. So a cancellation inside the work, such as that of
        a future that it awaits, is an error like any other, and does not end this coroutine.
        """
        while True:
            repeating = asyncio.create_task(self._repeat(), name=f"background:{self.task.name}")
            try:
                await asyncio.wait([repeating])
            finally:
                repeating.cancel()
                await asyncio.wait([repeating])
            self._fail(_error_of(repeating))
            await asyncio.sleep(self.delay(self.failures))

    async def _repeat(self) -> None:
        """Wait and work by turns; after a failure, work at once."""
        if self.failures == 0:
            await self.task.wait()
        while True:
            if self.task.is_due():
                self._begin()
                async with asyncio.timeout(self.task.run_seconds_max):
                    await self.task.run()
                self.succeeded.inc()
            self._recover()
            await self.task.wait()

    def _begin(self) -> None:
        if self.overdue_since is None:
            self.overdue_since = self.clock()

    def _recover(self) -> None:
        if self.failures:
            log.info("background task recovered", task=self.task.name, failures=self.failures)
        self.failures, self.overdue_since = 0, None

    def _fail(self, error: BaseException) -> None:
        self._begin()
        self.failures += 1
        self.failed.inc()
        _log_failure(self.task.name, self.failures, error)
        if self.has_failed_long:
            try:
                self.task.on_long_failure()
            except Exception:  # the supervisor continues after any error
                log.exception("long failure of a background task not handled", task=self.task.name)


def _error_of(task: asyncio.Task[None]) -> BaseException:
    """Return the error that ended a task."""
    if task.cancelled():
        return asyncio.CancelledError("The task was cancelled.")
    return task.exception() or RuntimeError("The task ended.")


def _log_failure(name: str, failures: int, error: BaseException) -> None:
    """Log the first failure, the second, the fourth and so on."""
    if failures.bit_count() > 1:
        return
    if isinstance(error, Unavailable):
        log.warning("background task failed", task=name, failures=failures, reason=error.message)
    else:
        log.error("background task failed", task=name, failures=failures, **cause_fields(error))
