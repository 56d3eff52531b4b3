"""Work that many ask for is done once, whoever stops to wait for it."""

import asyncio
from functools import partial

from api.sharing import Shared


async def test_who_comes_first_may_leave_and_others_still_get_it() -> None:
    shared, made, may_end = Shared[str](), [], asyncio.Event()

    async def make() -> str:
        made.append("once")
        await may_end.wait()
        return "made"

    first, second = (asyncio.create_task(shared.get("key", make)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    may_end.set()
    assert await second == "made"
    assert await shared.get("key", make) == "made"
    assert first.cancelled()
    assert made == ["once"]


async def test_all_hear_of_a_failure() -> None:
    shared = Shared[str]()

    async def fail() -> str:
        raise LookupError

    asked = await asyncio.gather(
        *(shared.get("key", fail) for _ in range(2)), return_exceptions=True
    )
    assert [type(each) for each in asked] == [LookupError, LookupError]


async def test_other_keys_are_made_by_themselves() -> None:
    shared = Shared[int]()

    async def make(number: int) -> int:
        return number

    assert [await shared.get(each, partial(make, each)) for each in (1, 2)] == [1, 2]
