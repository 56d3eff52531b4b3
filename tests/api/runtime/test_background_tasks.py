"""Background tasks run again after any error; a task that fails for long is reported."""

import asyncio
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from api.limits import TASK_RETRY_SECONDS, TASK_RETRY_SECONDS_MAX
from api.runtime.background_tasks import (
    BackgroundTask,
    BackgroundTaskFailed,
    Job,
    Supervisor,
    every,
    retry_delay,
)
from engine.errors import Unavailable
from tests.support.lock_gates import TIMEOUT_SECONDS

NAME = "work"
FAILURE_SECONDS = 15
SHORT_SECONDS = 0.001

Logged = list[MutableMapping[str, Any]]


class Clock:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Steps:
    """Does one prepared step in each call; after the last one, it sets `finished` and waits."""

    def __init__(self, *steps: Job) -> None:
        self.steps = iter(steps)
        self.finished = asyncio.Event()

    async def __call__(self) -> None:
        step = next(self.steps, None)
        if step is None:
            self.finished.set()
            await asyncio.Event().wait()
        else:
            await step()


@pytest.fixture
def lines() -> Iterator[Logged]:
    """Return the log lines of the test."""
    with capture_logs() as captured:
        yield captured


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def supervisor(clock: Clock) -> Supervisor:
    """Return a supervisor that runs failed tasks again at once."""
    return Supervisor(FAILURE_SECONDS, lambda _failures: 0, clock)


async def succeed() -> None: ...


def failing(error: BaseException) -> Job:
    async def fail() -> None:
        raise error

    return fail


async def cancel_itself() -> None:
    task = asyncio.current_task()
    assert task
    task.cancel()
    await asyncio.sleep(0)


async def await_a_cancelled_future() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def hang() -> None:
    await asyncio.Event().wait()


def metrics(supervisor: Supervisor) -> dict[str, float]:
    """Return the samples of the metrics, each by its outcome or else by the end of its name."""
    return {
        sample.labels.get("outcome") or sample.name.removeprefix("interlock_background_task_"): (
            sample.value
        )
        for collector in supervisor.collectors
        for metric in collector.collect()
        for sample in metric.samples
        if not sample.name.endswith("_created")
    }


async def run_steps(supervisor: Supervisor, task: BackgroundTask, steps: Steps) -> None:
    """Supervise a task until its steps are finished."""
    async with asyncio.timeout(TIMEOUT_SECONDS), supervisor.run([task]):
        await steps.finished.wait()


ERRORS: dict[str, tuple[Job, type[BaseException] | str]] = {
    "the database is unavailable": (failing(Unavailable("No connection.")), "No connection."),
    "a programming error": (failing(ZeroDivisionError()), ZeroDivisionError),
    "several errors": (failing(ExceptionGroup("", [OSError()])), ExceptionGroup),
    "an error that is no Exception": (failing(GeneratorExit()), GeneratorExit),
    "a cancelled future": (await_a_cancelled_future, asyncio.CancelledError),
    "a cancelled task": (cancel_itself, asyncio.CancelledError),
}


@pytest.mark.parametrize(("fail", "reason"), ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("part", ["run", "wait"])
async def test_a_task_runs_again_after_any_error(
    supervisor: Supervisor, lines: Logged, part: str, fail: Job, reason: type[BaseException] | str
) -> None:
    steps = Steps(succeed, fail, succeed)
    task = BackgroundTask(NAME, *((steps, every(0)) if part == "run" else (succeed, steps)))
    await run_steps(supervisor, task, steps)
    failed, recovered = lines
    assert (failed["event"], recovered["event"]) == (
        "background task failed",
        "background task recovered",
    )
    if isinstance(reason, str):
        assert (failed["log_level"], failed["reason"]) == ("warning", reason)
    else:
        assert (failed["log_level"], type(failed["exc_info"])) == ("error", reason)
    assert metrics(supervisor)["failed"] == 1


async def test_a_run_that_takes_too_long_is_cancelled_and_repeated(
    supervisor: Supervisor, lines: Logged
) -> None:
    steps = Steps(hang, succeed)
    await run_steps(
        supervisor, BackgroundTask(NAME, steps, every(0), run_seconds_max=SHORT_SECONDS), steps
    )
    assert isinstance(lines[0]["exc_info"], TimeoutError)


async def test_a_failed_task_does_not_wait_for_its_next_time(supervisor: Supervisor) -> None:
    waiting = Steps(succeed)
    steps = Steps(failing(OSError()), failing(OSError()))
    await run_steps(supervisor, BackgroundTask(NAME, steps, waiting), steps)
    assert not waiting.finished.is_set()


async def test_a_task_that_is_not_due_does_not_run(supervisor: Supervisor) -> None:
    waiting = Steps(succeed, succeed)
    task = BackgroundTask(NAME, failing(AssertionError()), waiting, is_due=lambda: False)
    await run_steps(supervisor, task, waiting)
    assert metrics(supervisor) == {
        "up": 1, "lag_seconds": 0, "succeeded": 0, "failed": 0
    }  # fmt: skip


async def test_a_failed_task_does_not_affect_others_and_all_end_with_the_block(
    supervisor: Supervisor, lines: Logged
) -> None:
    failing_steps, other_steps = Steps(failing(OSError())), Steps(succeed, succeed)
    tasks = [
        BackgroundTask("failing", failing_steps, every(0)),
        BackgroundTask("other", other_steps, every(0)),
    ]
    earlier = asyncio.all_tasks()  # another test can have left a browser
    async with asyncio.timeout(TIMEOUT_SECONDS):
        async with supervisor.run(tasks):
            await failing_steps.finished.wait()
            await other_steps.finished.wait()
        assert asyncio.all_tasks() <= earlier
    assert [line["task"] for line in lines] == ["failing"]


async def test_the_log_has_fewer_and_fewer_of_the_same_failures(
    supervisor: Supervisor, lines: Logged
) -> None:
    steps = Steps(*[failing(OSError())] * 20, succeed)
    await run_steps(supervisor, BackgroundTask(NAME, steps, every(0)), steps)
    assert [line["failures"] for line in lines] == [1, 2, 4, 8, 16, 20]


async def test_metrics_show_a_failing_task(supervisor: Supervisor, clock: Clock) -> None:
    seen = []

    async def observe() -> None:
        clock.now += 2
        seen.append(metrics(supervisor))

    async def observe_and_fail() -> None:
        await observe()
        raise OSError

    steps = Steps(observe, observe_and_fail, observe, observe)
    await run_steps(supervisor, BackgroundTask(NAME, steps, every(0)), steps)
    assert seen == [
        {"up": 1, "lag_seconds": 2, "succeeded": 0, "failed": 0},
        {"up": 1, "lag_seconds": 2, "succeeded": 1, "failed": 0},
        {"up": 0, "lag_seconds": 4, "succeeded": 1, "failed": 1},
        {"up": 1, "lag_seconds": 2, "succeeded": 2, "failed": 1},
    ]


@pytest.mark.parametrize("is_essential", [True, False])
@pytest.mark.parametrize("kind", ["fails", "hangs"])
async def test_an_essential_task_that_fails_for_long_makes_the_server_not_ready(
    supervisor: Supervisor, clock: Clock, kind: str, *, is_essential: bool
) -> None:
    reported = []

    def check() -> None:
        try:
            supervisor.check()
        except BackgroundTaskFailed as error:
            reported.append(error.message.partition(": ")[2].partition(".")[0])

    async def work() -> None:
        for clock.now in (FAILURE_SECONDS, FAILURE_SECONDS + 1):
            check()
        if kind == "fails":
            raise OSError

    async def work_again() -> None:
        check()

    steps = Steps(work, work_again)
    task = BackgroundTask(NAME, steps, every(0), is_essential=is_essential)
    await run_steps(supervisor, task, steps)
    check()
    each_time = [NAME] * (2 if kind == "fails" else 1)
    assert reported == (each_time if is_essential else [])


async def test_a_long_failure_is_handled_after_each_failure(
    supervisor: Supervisor, clock: Clock, lines: Logged
) -> None:
    handled = []

    def handle() -> None:
        handled.append(clock.now)
        raise ZeroDivisionError

    async def fail() -> None:
        clock.now += FAILURE_SECONDS
        raise OSError

    steps = Steps(fail, fail, fail, succeed)
    await run_steps(
        supervisor, BackgroundTask(NAME, steps, every(0), on_long_failure=handle), steps
    )
    assert handled == [2 * FAILURE_SECONDS, 3 * FAILURE_SECONDS]
    assert [line["event"] for line in lines].count(
        "long failure of a background task not handled"
    ) == 2


@given(failures=st.integers(min_value=1, max_value=10_000))
def test_the_delay_doubles_up_to_a_bound(failures: int) -> None:
    longest = min(TASK_RETRY_SECONDS * 2 ** (failures - 1), TASK_RETRY_SECONDS_MAX)
    assert longest / 2 <= retry_delay(failures) <= longest
