"""What a request computes is charged, step by step."""

import asyncio
import time
from time import perf_counter

import pytest

from api.http.metering import metered, seconds_of_step

STEP_SECONDS = 0.005


def compute(seconds: float = STEP_SECONDS) -> None:
    until = perf_counter() + seconds
    while perf_counter() < until:
        pass


async def test_each_step_is_charged_but_no_wait() -> None:
    charged: list[float] = []
    others_have_computed = asyncio.Event()

    async def work() -> str:
        compute()
        await others_have_computed.wait()
        compute()
        return "done"

    task = asyncio.ensure_future(metered(work(), charged.append, 0))
    await asyncio.sleep(0)
    compute(20 * STEP_SECONDS)
    others_have_computed.set()
    started = perf_counter()
    assert await task == "done"
    first, second = charged
    assert first >= STEP_SECONDS
    assert STEP_SECONDS <= second <= perf_counter() - started


STEPS = {
    "a short one": (0.09, 0.0, 0.09),
    "one that computes all the time": (0.5, 0.5, 0.5),
    "one that shares its processor with nine others": (0.66, 0.066, 0.66),
    "one that is stopped for a while": (5.0, 0.002, 0.12),
    "one that computes, and is stopped": (60.0, 0.05, 0.6),
}


@pytest.mark.parametrize(("passed", "computed", "charged"), STEPS.values(), ids=STEPS)
def test_a_step_is_charged_unless_the_process_is_stopped(
    passed: float, computed: float, charged: float
) -> None:
    assert seconds_of_step(passed, computed) == pytest.approx(charged)


async def test_a_process_that_does_not_run_charges_little() -> None:
    charged: list[float] = []
    stopped_seconds = 0.5

    async def work() -> None:
        time.sleep(stopped_seconds)  # noqa: ASYNC251  # the thread does not run meanwhile

    await metered(work(), charged.append, 0)
    assert 0 < sum(charged) < stopped_seconds


async def test_the_first_seconds_are_free() -> None:
    charged: list[float] = []

    async def work() -> None:
        compute()
        await asyncio.sleep(0)
        compute()

    await metered(work(), charged.append, 1)
    assert charged == []


async def test_an_error_is_passed_on_and_the_time_until_then_is_charged() -> None:
    charged: list[float] = []

    async def work() -> None:
        await asyncio.sleep(0)
        compute()
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        await metered(work(), charged.append, 0)
    assert sum(charged) >= STEP_SECONDS


async def test_a_cancellation_reaches_the_work() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    task = asyncio.ensure_future(metered(work(), lambda _: None, 0))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["cancelled"]


async def test_work_can_recover_from_a_timeout() -> None:
    async def work() -> str:
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            return "recovered"
        return "not reached"

    assert await metered(work(), lambda _: None, 0) == "recovered"
