"""Work that is done once for all who ask for the same at about the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Call(Generic[T]):
    """Something that is made when it is first asked for, and once only.

    Who asks first makes it, without a task of its own. If that one is cancelled meanwhile, the next
    of those who wait makes it anew, so whoever stops to wait stops nobody else. A failure is an
    outcome as any other: all hear of it.
    """

    def __init__(self, make: Callable[[], Awaitable[T]]) -> None:
        self._make = make
        self._under_way: asyncio.Event | None = None
        self._made: list[T] = []
        self._failure: Exception | None = None

    async def __call__(self) -> T:
        """Return it."""
        while not self._made:
            if self._failure is not None:
                raise self._failure
            if self._under_way is None:
                await self._begin()
            else:
                await self._under_way.wait()
        return self._made[0]

    async def _begin(self) -> None:
        self._under_way = ended = asyncio.Event()
        try:
            self._made.append(await self._make())
        except Exception as error:  # noqa: BLE001  # whatever it is, whoever asks hears of it
            self._failure = error
        finally:
            self._under_way = None
            ended.set()


class SingleFlight(Generic[T]):
    """What was made, or is being made, by what it was asked for."""

    def __init__(self) -> None:
        self._made: dict[Hashable, Call[T]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """Return what is made for a key, once."""
        return await self._made.setdefault(key, Call(make))()
