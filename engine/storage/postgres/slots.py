"""Slots: how many tasks can use something at a time, and how many of the others can wait for it.

`asyncio.Semaphore` bounds neither the number of waiting tasks nor their waiting time.
"""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WaitBounds:
    """How many tasks can wait for a slot, and for how long."""

    tasks: int
    seconds: float


class NoFreeSlot(Exception):
    """No slot is free. `waited` is false if too many tasks wait already."""

    def __init__(self, *, waited: bool) -> None:
        self.waited = waited
        super().__init__(waited)


class Slots:
    """A number of slots. Tasks wait for a free one in FIFO order.

    Attributes:
        size: how many tasks can have a slot at a time.
        bounds: of the tasks that wait.
        in_use: how many tasks have a slot.
        refused: how many tasks were refused so far.

    """

    __slots__ = ("_is_unused", "_waiting", "bounds", "in_use", "refused", "size")

    def __init__(self, size: int, bounds: WaitBounds) -> None:
        self.size = size
        self.bounds = bounds
        self.in_use = 0
        self.refused = 0
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._is_unused = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many tasks wait."""
        return len(self._waiting)

    async def acquire(self) -> None:
        """Wait for a slot, which the caller must release.

        Raises:
            NoFreeSlot: too many tasks wait, or this one waited for too long.

        """
        if self.in_use < self.size:  # then no task waits
            self.in_use += 1
            return
        if len(self._waiting) >= self.bounds.tasks:
            self.refused += 1
            raise NoFreeSlot(waited=False)
        if not await self._wait():
            self.refused += 1
            raise NoFreeSlot(waited=True)

    async def _wait(self) -> bool:
        """Wait until another task hands over its slot; return false if that takes too long."""
        loop = asyncio.get_running_loop()
        granted: asyncio.Future[bool] = loop.create_future()
        timer = loop.call_later(self.bounds.seconds, _expire, granted)
        self._waiting.append(granted)
        is_granted = False
        try:
            is_granted = await granted
        except asyncio.CancelledError:
            is_granted = not granted.cancelled() and granted.result()
            if is_granted:  # cancelled after the handover
                self.release()
            raise
        finally:
            timer.cancel()
            if not is_granted:
                with suppress(ValueError):
                    self._waiting.remove(granted)
        return is_granted

    def release(self) -> None:
        """Hand the slot over to the task that waits the longest, or free it."""
        if self.in_use <= self.size and self._hand_over():
            return
        self.in_use -= 1
        if not self.in_use:
            self._is_unused.set()

    def resize(self, size: int) -> None:
        """Change the number of slots. Tasks keep the slots that they have."""
        self.size = size
        while self.in_use < size and self._hand_over():
            self.in_use += 1

    def _hand_over(self) -> bool:
        """Give a slot to the task that waits the longest; return whether a task waits."""
        while self._waiting:
            granted = self._waiting.popleft()
            if not granted.done():
                granted.set_result(True)
                return True
        return False

    async def wait_until_unused(self) -> None:
        """Wait until no task has a slot."""
        while self.in_use:
            self._is_unused.clear()
            await self._is_unused.wait()


class KeyedSlots:
    """Slots for each key, such as a ticket. A key without tasks takes no memory.

    A key begins with few slots, and gets one more with each task that is quick. After a slow task,
    it begins again. So a key whose tasks stall uses few slots, and others are not slowed down.

    Attributes:
        size: how many slots a key has at first.
        size_max: how many it can get.
        bounds: of the tasks of one key that wait.
        refused: how many tasks were refused so far.

    """

    __slots__ = ("_by_key", "bounds", "refused", "size", "size_max")

    def __init__(self, size: int, bounds: WaitBounds, size_max: int | None = None) -> None:
        self.size = size
        self.size_max = size if size_max is None else size_max
        self.bounds = bounds
        self.refused = 0
        self._by_key: dict[str, Slots] = {}

    @property
    def keys(self) -> int:
        """How many keys have tasks."""
        return len(self._by_key)

    @property
    def waiting(self) -> int:
        """How many tasks wait."""
        return sum(slots.waiting for slots in self._by_key.values())

    async def acquire(self, key: str) -> None:
        """Wait for a slot of a key, which the caller must release; raises as `Slots.acquire`."""
        slots = self._by_key.get(key)
        if slots is None:
            slots = self._by_key[key] = Slots(self.size, self.bounds)
        try:
            await slots.acquire()
        except NoFreeSlot:
            self.refused += 1
            raise
        finally:
            self._forget_unused(key, slots)

    def release(self, key: str, *, is_quick: bool = False) -> None:
        """Hand over or free a slot of a key, after a task that was quick or not."""
        slots = self._by_key[key]
        slots.resize(min(slots.size + 1, self.size_max) if is_quick else self.size)
        slots.release()
        self._forget_unused(key, slots)

    def _forget_unused(self, key: str, slots: Slots) -> None:
        """Forget the slots of a key, unless a task uses them or they were replaced meanwhile."""
        if not slots.in_use and self._by_key.get(key) is slots:
            del self._by_key[key]


def _expire(granted: asyncio.Future[bool]) -> None:
    if not granted.done():
        granted.set_result(False)
