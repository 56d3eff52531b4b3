"""Work that is done once for all who ask for the same at about the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """What was made, or is being made, by what it was asked for."""

    def __init__(self) -> None:
        self._made: dict[Hashable, asyncio.Future[T]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """Return what is made for a key, once; whoever stops to wait for it stops nobody else."""
        making = self._made.get(key)
        if making is None:
            making = self._made[key] = asyncio.ensure_future(make())
        return await asyncio.shield(making)
