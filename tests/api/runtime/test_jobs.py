"""Background work continues after errors, and logs them."""

import asyncio
from collections.abc import MutableMapping
from itertools import count
from typing import Any

import pytest
from structlog.testing import capture_logs

from api.runtime.jobs import PeriodicJob, run_in_background, run_logged
from engine.errors import Unavailable

SHORT_SECONDS = 0.001
TIMEOUT_SECONDS = 20
FAILURE = "the job failed"
ERRORS = {
    "the database is unavailable": (Unavailable("Connection refused."), "warning"),
    "a programming error": (ZeroDivisionError(), "error"),
}

Logged = list[MutableMapping[str, Any]]


@pytest.mark.parametrize(("error", "level"), ERRORS.values(), ids=ERRORS)
async def test_a_failed_run_is_logged_and_the_job_runs_again(error: Exception, level: str) -> None:
    runs, second_run = count(1), asyncio.Event()

    async def fail() -> None:
        if next(runs) > 1:
            second_run.set()
        raise error

    logged: Logged
    with capture_logs() as logged:
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            run_in_background(PeriodicJob(fail, SHORT_SECONDS, FAILURE).repeat()),
        ):
            await second_run.wait()
    assert {(line["event"], line["log_level"]) for line in logged} == {(FAILURE, level)}


async def test_a_job_that_is_not_due_does_not_run() -> None:
    async def fail() -> None:
        raise AssertionError

    logged: Logged
    with capture_logs() as logged:
        await PeriodicJob(fail, SHORT_SECONDS, FAILURE, is_due=lambda: False).run()
    assert logged == []


async def test_a_cancelled_job_is_not_logged_as_a_failure() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    logged: Logged
    with capture_logs() as logged, pytest.raises(TimeoutError):
        async with asyncio.timeout(SHORT_SECONDS):
            await run_logged(wait, FAILURE)
    assert logged == []


async def test_an_error_of_one_background_task_does_not_end_the_others() -> None:
    failed, continued = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        failed.set()
        raise ZeroDivisionError

    async def proceed() -> None:
        await failed.wait()
        continued.set()
        await asyncio.Event().wait()

    logged: Logged
    with capture_logs() as logged:
        async with asyncio.timeout(TIMEOUT_SECONDS), run_in_background(fail(), proceed()):
            await continued.wait()
    assert [line["event"] for line in logged] == ["background task failed"]
