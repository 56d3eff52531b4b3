"""A limit of time that many tasks share the timer of, held to `asyncio.timeout`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import pytest

from api.graphql.deadline import TimeLimit

Bounded = Callable[[], AbstractAsyncContextManager[object]]
Block = Callable[[Bounded], Awaitable[object]]

AT_ONCE = 0.001
NEVER = 3_600


@asynccontextmanager
async def ours(limit: TimeLimit) -> AsyncIterator[None]:
    with limit.of_this_task():
        yield


async def ends(bounded: Bounded) -> str:
    async with bounded():
        await asyncio.sleep(0)
    return "ended"


async def waits(bounded: Bounded) -> None:
    async with bounded():
        await asyncio.Event().wait()


async def fails_when_cut_off(bounded: Bounded) -> None:
    async with bounded():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise LookupError from None


async def heeds_nothing(bounded: Bounded) -> str:
    async with bounded():
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    return "went on"


async def goes_on_afterwards(bounded: Bounded) -> str:
    try:
        await waits(bounded)
    except TimeoutError:
        await asyncio.sleep(0)
        return "went on"
    return "was not cut off"


async def is_cancelled_when_cut_off(bounded: Bounded) -> None:
    async with bounded():
        try:
            await asyncio.Event().wait()
        finally:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()


async def is_in_a_wider_one(bounded: Bounded) -> str:
    async with asyncio.timeout(NEVER):
        try:
            await waits(bounded)
        except TimeoutError:
            return "cut off once"
    return "was not cut off"


BLOCKS = (
    ends,
    waits,
    fails_when_cut_off,
    heeds_nothing,
    goes_on_afterwards,
    is_cancelled_when_cut_off,
    is_in_a_wider_one,
)


async def outcome(block: Block, bounded: Bounded) -> object:
    """Return what becomes of a block: what it returns, or the class of what it raises."""
    task = asyncio.ensure_future(block(bounded))
    [done], _ = await asyncio.wait([task])
    if done.cancelled():
        return asyncio.CancelledError
    error = done.exception()
    return done.result() if error is None else type(error)


@pytest.mark.parametrize("block", BLOCKS)
async def test_it_cuts_off_as_asyncio_does(block: Block) -> None:
    limit = TimeLimit(AT_ONCE)
    assert await outcome(block, lambda: ours(limit)) == await outcome(
        block, lambda: asyncio.timeout(AT_ONCE)
    )


async def test_each_block_has_the_whole_time_however_late_it_begins() -> None:
    limit, order = TimeLimit(0.02), list[str]()

    async def wait(name: str) -> None:
        try:
            await waits(lambda: ours(limit))
        except TimeoutError:
            order.append(name)

    first = asyncio.create_task(wait("first"))
    await asyncio.sleep(0.01)
    started = asyncio.get_running_loop().time()
    second = asyncio.create_task(wait("second"))
    assert await ends(lambda: ours(limit)) == "ended"  # what is over before is left alone
    await asyncio.gather(first, second)
    assert order == ["first", "second"]
    assert asyncio.get_running_loop().time() - started >= limit.seconds / 2


async def test_somebody_else_can_cancel_before_the_time_is_over() -> None:
    limit = TimeLimit(NEVER)
    task = asyncio.ensure_future(waits(lambda: ours(limit)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_it_needs_a_task() -> None:
    limit, seen = TimeLimit(NEVER), list[BaseException]()

    def outside() -> None:
        try:
            limit.of_this_task()
        except RuntimeError as error:
            seen.append(error)

    asyncio.get_running_loop().call_soon(outside)
    await asyncio.sleep(0)
    assert len(seen) == 1
