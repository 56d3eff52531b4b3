"""Work beside answering goes on whatever fails, and is told of."""

import asyncio
from collections.abc import MutableMapping
from itertools import count
from typing import Any

import pytest
from structlog.testing import capture_logs

from api.runtime.jobs import PeriodicJob, attempt, run_in_background
from engine.errors import Unavailable

AT_ONCE = 0.001
PATIENCE_SECONDS = 20
FAILURES = {
    "the database is away": (Unavailable("Gone."), "warning"),
    "a fault": (ZeroDivisionError(), "error"),
}

Logged = list[MutableMapping[str, Any]]


@pytest.mark.parametrize(("failure", "level"), FAILURES.values(), ids=FAILURES)
async def test_what_fails_is_told_and_attempted_again(failure: Exception, level: str) -> None:
    times, twice = count(1), asyncio.Event()

    async def fail() -> None:
        if next(times) > 1:
            twice.set()
        raise failure

    logged: Logged
    with capture_logs() as logged:
        async with (
            asyncio.timeout(PATIENCE_SECONDS),
            run_in_background(PeriodicJob(fail, AT_ONCE, "it could not be done").repeat()),
        ):
            await twice.wait()
    assert {(each["event"], each["log_level"]) for each in logged} == {
        ("it could not be done", level)
    }


async def test_what_is_not_wanted_now_is_not_attempted() -> None:
    async def fail() -> None:
        raise AssertionError

    logged: Logged
    with capture_logs() as logged:
        await PeriodicJob(fail, AT_ONCE, "it could not be done", wanted=lambda: False).do()
    assert logged == []


async def test_to_be_cancelled_is_no_failure() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(AT_ONCE):
            await attempt(wait, "it could not be done")


async def test_work_that_ends_by_an_error_is_told_and_ends_no_other() -> None:
    over, went_on = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        over.set()
        raise ZeroDivisionError

    async def go_on() -> None:
        await over.wait()
        went_on.set()
        await asyncio.Event().wait()

    logged: Logged
    with capture_logs() as logged:
        async with asyncio.timeout(PATIENCE_SECONDS), run_in_background(fail(), go_on()):
            await went_on.wait()
    assert [each["event"] for each in logged] == ["work in the background failed"]
