"""Exports: long responses that read the database through connections of their own.

An export takes as long as its client needs to read it, and keeps its connection until then. So it
takes none from other requests, and each server makes only a few exports at a time.
"""

from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import structlog
from aiohttp import hdrs, web

from api.limits import EXPORT_RETRY_SECONDS
from engine.errors import TooManyRequests
from engine.storage.postgres.database import Database

log = structlog.get_logger(component="exports")


@dataclass(slots=True)
class Exports:
    """The exports of one server.

    Attributes:
        open_database: opens the database with one connection that is not one of the pools.
        bound: how many exports there can be at a time.
        running: how many there are.

    """

    open_database: Callable[[], AbstractAsyncContextManager[Database]]
    bound: int
    running: int = field(init=False, default=0)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Database]:
        """Yield the database for one export.

        Raises:
            TooManyRequests: there are too many exports already.
            Unavailable: the database does not respond or rejects the connection.

        """
        if self.running >= self.bound:
            raise TooManyRequests(
                f"This server makes {self.bound} exports at a time: wait until one of them ends.",
                limit="exports",
                bound=self.bound,
                retry_after=EXPORT_RETRY_SECONDS,
            )
        self.running += 1
        try:
            async with self.open_database() as database:
                yield database
        finally:
            self.running -= 1


async def send_text(
    request: web.Request, content_type: str, parts: AsyncIterable[str]
) -> web.StreamResponse:
    """Send text as it is made, until its end or until the client disconnects."""
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: f"{content_type}; charset=utf-8"})
    await response.prepare(request)
    try:
        async for part in parts:
            await response.write(part.encode())
        await response.write_eof()
    except ConnectionError:
        log.info("export not read to its end")
    return response
