"""Slots are never given to more tasks than there are, in FIFO order, and none is lost."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from engine.storage.postgres.slots import KeyedSlots, NoFreeSlot, Slots, WaitBounds

SIZE = 2
SIZE_MAX = 4
WAITING = 3
FOREVER = 3_600.0
TURNS = 5
"""More turns of the event loop than a task needs to notice what happened to it."""


@dataclass(eq=False)
class Holder:
    """A task that acquires a slot, and keeps it until it may release it."""

    slots: Slots
    may_release: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, order: list["Holder"]) -> None:
        await self.slots.acquire()
        order.append(self)
        try:
            await self.may_release.wait()
        finally:
            self.slots.release()


class SlotsMachine(RuleBasedStateMachine):
    """Random tasks come, release their slot, and are cancelled; lists predict who has a slot."""

    loop: ClassVar[asyncio.AbstractEventLoop]

    def __init__(self) -> None:
        super().__init__()
        self.slots = Slots(SIZE, WaitBounds(WAITING, FOREVER))
        self.size = SIZE
        self.order: list[Holder] = []
        self.expected_order: list[Holder] = []
        self.holding: list[Holder] = []
        self.waiting: list[Holder] = []
        self.refused = 0
        self.tasks: dict[Holder, asyncio.Task[None]] = {}

    def run_loop(self) -> None:
        async def turn() -> None:
            for _ in range(TURNS):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turn())

    @rule()
    def come(self) -> None:
        holder = Holder(self.slots)
        self.tasks[holder] = self.loop.create_task(holder.run(self.order))
        self.run_loop()
        if len(self.holding) < self.size:
            self.holding.append(holder)
            self.expected_order.append(holder)
        elif len(self.waiting) < WAITING:
            self.waiting.append(holder)
        else:
            self.refused += 1
            error = self.tasks.pop(holder).exception()
            assert isinstance(error, NoFreeSlot)
            assert not error.waited

    def hand_over(self) -> None:
        while self.waiting and len(self.holding) < self.size:
            self.holding.append(self.waiting[0])
            self.expected_order.append(self.waiting.pop(0))

    @precondition(lambda self: self.holding)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        holder = data.draw(st.sampled_from(self.holding))
        self.holding.remove(holder)
        holder.may_release.set()
        self.run_loop()
        self.hand_over()
        assert self.tasks.pop(holder).done()

    @precondition(lambda self: self.holding or self.waiting)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        holder = data.draw(st.sampled_from(self.holding + self.waiting))
        self.tasks[holder].cancel()
        self.run_loop()
        if holder in self.holding:
            self.holding.remove(holder)
            self.hand_over()
        else:
            self.waiting.remove(holder)
        assert self.tasks.pop(holder).cancelled()

    @rule(size=st.integers(1, SIZE_MAX))
    def resize(self, size: int) -> None:
        self.size = size
        self.slots.resize(size)
        self.run_loop()
        self.hand_over()

    @precondition(lambda self: self.waiting and len(self.holding) <= self.size)
    @rule(data=st.data())
    def cancel_after_the_handover(self, data: st.DataObject) -> None:
        """Cancel the task that the slot was handed to, before it can notice the handover."""
        holder = data.draw(st.sampled_from(self.holding))
        following = self.waiting.pop(0)
        self.holding.remove(holder)

        async def cancel() -> None:
            assert self.slots.waiting == len(self.waiting)  # it was handed over
            self.tasks[following].cancel()

        holder.may_release.set()
        self.loop.run_until_complete(cancel())
        self.run_loop()
        self.hand_over()
        assert self.tasks.pop(following).cancelled()
        assert self.tasks.pop(holder).done()

    @invariant()
    def the_slots_are_as_predicted(self) -> None:
        assert self.order == self.expected_order
        assert self.slots.in_use == len(self.holding) <= SIZE_MAX
        assert self.slots.waiting == len(self.waiting)
        assert self.slots.refused == self.refused

    def teardown(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        self.run_loop()
        assert (self.slots.in_use, self.slots.waiting) == (0, 0)
        self.loop.run_until_complete(self.slots.wait_until_unused())


def test_slots_behave_as_two_lists() -> None:
    SlotsMachine.loop = asyncio.new_event_loop()
    try:
        run_state_machine_as_test(SlotsMachine, settings=settings(deadline=None))
    finally:
        SlotsMachine.loop.close()


async def test_a_task_waits_for_a_bounded_time() -> None:
    slots = Slots(1, WaitBounds(tasks=1, seconds=0))
    await slots.acquire()
    with pytest.raises(NoFreeSlot) as refusal:
        await slots.acquire()
    assert refusal.value.waited
    assert (slots.in_use, slots.waiting, slots.refused) == (1, 0, 1)
    slots.release()
    await slots.acquire()


async def release_when_the_next_stops_waiting(release: Callable[[], None]) -> None:
    """Release a slot in the turn of the event loop in which a task with no time stops waiting."""
    loop = asyncio.get_running_loop()
    is_released: asyncio.Future[None] = loop.create_future()
    loop.call_later(0, release)
    loop.call_later(0, is_released.set_result, None)
    await is_released


async def test_a_slot_is_not_handed_to_a_task_that_waited_for_too_long() -> None:
    slots = Slots(1, WaitBounds(tasks=1, seconds=0))
    await slots.acquire()
    late = asyncio.create_task(slots.acquire())
    await asyncio.sleep(0)
    await release_when_the_next_stops_waiting(slots.release)
    with pytest.raises(NoFreeSlot):
        await late
    assert slots.in_use == 0


async def test_a_key_gets_a_slot_for_each_quick_task_and_begins_again_after_a_slow_one() -> None:
    slots = KeyedSlots(1, WaitBounds(tasks=4, seconds=FOREVER), size_max=3)
    await slots.acquire("key")
    waiting = [asyncio.create_task(slots.acquire("key")) for _ in range(4)]
    await asyncio.sleep(0)

    async def admitted() -> list[bool]:
        await asyncio.sleep(0)
        return [each.done() for each in waiting]

    slots.release("key", is_quick=True)
    assert await admitted() == [True, True, False, False]
    slots.release("key", is_quick=False)
    assert await admitted() == [True, True, False, False]
    slots.release("key", is_quick=True)
    assert await admitted() == [True, True, True, True]
    slots.release("key", is_quick=True)
    slots.release("key", is_quick=True)
    assert slots.keys == 0


async def test_a_key_without_tasks_is_forgotten() -> None:
    slots = KeyedSlots(1, WaitBounds(tasks=1, seconds=0))
    await slots.acquire("key")
    late = asyncio.create_task(slots.acquire("key"))
    await asyncio.sleep(0)
    await release_when_the_next_stops_waiting(lambda: slots.release("key"))
    assert slots.keys == 0
    await slots.acquire("key")  # before the late task notices that it is refused
    with pytest.raises(NoFreeSlot):
        await late
    assert (slots.keys, slots.waiting, slots.refused) == (1, 0, 1)
    slots.release("key")
    assert slots.keys == 0


async def test_waiting_until_unused_can_be_cancelled_and_repeated() -> None:
    slots = Slots(1, WaitBounds(tasks=1, seconds=FOREVER))
    await slots.acquire()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await slots.wait_until_unused()
    waiting = asyncio.create_task(slots.wait_until_unused())
    await asyncio.sleep(0)
    assert not waiting.done()
    slots.release()
    await waiting
