"""Work that is done once for all who ask for the same at about the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Something that is made when it is first asked for, and once only; all of one request."""

    def __init__(self, make: Callable[[], Awaitable[T]]) -> None:
        self._make = make
        self._making: asyncio.Future[T] | None = None

    async def __call__(self) -> T:
        """Return it."""
        return await self._begun()

    def _begun(self) -> "asyncio.Future[T]":
        if self._making is None:
            self._making = asyncio.ensure_future(self._make())
        return self._making


class OnceForAll(Once[T]):
    """The same for several requests: whoever stops to wait for it stops nobody else."""

    async def __call__(self) -> T:
        """Return it."""
        return await asyncio.shield(self._begun())


class Shared(Generic[T]):
    """What was made, or is being made, by what it was asked for."""

    def __init__(self) -> None:
        self._made: dict[Hashable, OnceForAll[T]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """Return what is made for a key, once."""
        return await self._made.setdefault(key, OnceForAll(make))()
