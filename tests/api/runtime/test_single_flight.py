"""Work that many ask for is done once, whoever stops to wait for it."""

import asyncio
from functools import partial

import pytest

from api.runtime.single_flight import SingleFlight


class Making:
    """What is made as soon as it may end."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> str:
        self.begun += 1
        await self.may_end.wait()
        return "made"


async def test_all_who_wait_and_all_who_come_later_get_what_was_made_once() -> None:
    shared, making = SingleFlight[str](), Making()
    asking = [asyncio.create_task(shared.get("key", making)) for _ in range(3)]
    await asyncio.sleep(0)
    making.may_end.set()
    assert await asyncio.gather(*asking) == ["made"] * 3
    assert await shared.get("key", making) == "made"
    assert making.begun == 1


@pytest.mark.parametrize("leaves", range(3))
async def test_who_waits_may_leave_and_the_others_still_get_it(leaves: int) -> None:
    shared, making = SingleFlight[str](), Making()
    asking = [asyncio.create_task(shared.get("key", making)) for _ in range(3)]
    await asyncio.sleep(0)
    gone = asking.pop(leaves)
    gone.cancel()
    await asyncio.wait([gone])
    making.may_end.set()
    assert await asyncio.gather(*asking) == ["made"] * 2
    assert gone.cancelled()
    assert making.begun == (2 if leaves == 0 else 1)  # who made it left, so the next made it anew


async def test_all_hear_of_a_failure() -> None:
    shared = SingleFlight[str]()

    async def fail() -> str:
        raise LookupError

    asked = await asyncio.gather(
        *(shared.get("key", fail) for _ in range(2)), return_exceptions=True
    )
    assert [type(each) for each in asked] == [LookupError, LookupError]


async def test_other_keys_are_made_by_themselves() -> None:
    shared = SingleFlight[int]()

    async def make(number: int) -> int:
        return number

    assert [await shared.get(each, partial(make, each)) for each in (1, 2)] == [1, 2]
