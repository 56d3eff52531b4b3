"""Work that is done once for all callers that need the same result."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleCall(Generic[T]):
    """A call that is made when its result is first needed, and only once.

    The first caller makes it, without a separate task. If that caller is cancelled, the next
    waiting caller makes it again, so a cancelled caller never cancels the others. An exception is
    raised for all callers.
    """

    def __init__(self, make: Callable[[], Awaitable[T]]) -> None:
        self._make = make
        self._in_flight: asyncio.Event | None = None
        self._result: list[T] = []
        self._error: Exception | None = None

    async def __call__(self) -> T:
        """Return the result of the call."""
        while not self._result:
            if self._error is not None:
                raise self._error
            if self._in_flight is None:
                await self._call()
            else:
                await self._in_flight.wait()
        return self._result[0]

    async def _call(self) -> None:
        self._in_flight = ended = asyncio.Event()
        try:
            self._result.append(await self._make())
        except Exception as error:  # noqa: BLE001  # raised for every caller
            self._error = error
        finally:
            self._in_flight = None
            ended.set()


class SingleFlight(Generic[T]):
    """The results of calls by their keys; each call is made once."""

    def __init__(self) -> None:
        self._calls: dict[Hashable, SingleCall[T]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """Return the result for a key, made by `make` if it is the first with this key."""
        call = self._calls.get(key)
        if call is None:
            call = self._calls[key] = SingleCall(make)
        return await call()
