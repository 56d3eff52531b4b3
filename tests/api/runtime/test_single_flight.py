"""Work for several callers is done once, even if a caller is cancelled."""

import asyncio
from functools import partial

import pytest

from api.runtime.single_flight import SingleFlight


class Work:
    """Work that ends when it may."""

    def __init__(self) -> None:
        self.started = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> str:
        self.started += 1
        await self.may_end.wait()
        return "result"


async def test_waiting_and_later_callers_get_the_result_of_one_call() -> None:
    shared, work = SingleFlight[str](), Work()
    callers = [asyncio.create_task(shared.get("key", work)) for _ in range(3)]
    await asyncio.sleep(0)
    work.may_end.set()
    assert await asyncio.gather(*callers) == ["result"] * 3
    assert await shared.get("key", work) == "result"
    assert work.started == 1


@pytest.mark.parametrize("cancelled", range(3))
async def test_a_cancelled_caller_does_not_affect_the_others(cancelled: int) -> None:
    shared, work = SingleFlight[str](), Work()
    callers = [asyncio.create_task(shared.get("key", work)) for _ in range(3)]
    await asyncio.sleep(0)
    caller = callers.pop(cancelled)
    caller.cancel()
    await asyncio.wait([caller])
    work.may_end.set()
    assert await asyncio.gather(*callers) == ["result"] * 2
    assert caller.cancelled()
    assert work.started == (2 if cancelled == 0 else 1)  # the first one did the work


async def test_every_caller_gets_the_exception() -> None:
    shared = SingleFlight[str]()

    async def fail() -> str:
        raise LookupError

    results = await asyncio.gather(
        *(shared.get("key", fail) for _ in range(2)), return_exceptions=True
    )
    assert [type(each) for each in results] == [LookupError, LookupError]


async def test_each_key_has_its_own_result() -> None:
    shared = SingleFlight[int]()

    async def double(number: int) -> int:
        return 2 * number

    assert [await shared.get(each, partial(double, each)) for each in (1, 2)] == [2, 4]
