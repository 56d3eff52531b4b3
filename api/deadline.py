"""The deadline of a request, or of an operation in a stream."""

import asyncio
from types import TracebackType

from engine.errors import DeadlineExceeded


class Deadline:
    """Stops what runs in a block, with everything that it waits for, if it takes too long.

    The end of the block then raises DeadlineExceeded.

    Args:
        seconds: how long the block can take.
        since: when the time began, by the clock of the event loop; None for now.

    """

    __slots__ = ("_seconds", "_timeout")

    def __init__(self, seconds: float, since: float | None = None) -> None:
        self._seconds = seconds
        start = asyncio.get_running_loop().time() if since is None else since
        self._timeout = asyncio.timeout_at(start + seconds)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, traceback)
        except TimeoutError:  # only the end of the time raises it here
            raise DeadlineExceeded(seconds=self._seconds) from error
