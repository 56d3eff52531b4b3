"""One connection, and what its client can keep waiting."""

import asyncio
from contextlib import suppress

from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from api import limits


class LimitedConnection(web.RequestHandler):
    """A connection that bounds what the server reads before it refuses a request, and afterwards.

    Nothing decompresses a body, and the rest of a body that no handler read is not parsed.
    """

    __slots__ = ("_discarded", "_discarded_bytes", "_is_discarding", "_last_body")

    def __init__(self, server: web.Server) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # None disables it
            auto_decompress=False,
            lingering_time=0,  # aiohttp would parse any number of bytes for that time
            max_field_size=limits.HEAD_FIELD_BYTES,
            max_headers=limits.HEAD_FIELDS,
            max_line_size=limits.HEAD_FIELD_BYTES,
            read_bufsize=limits.READ_BUFFER_BYTES,
        )
        self._last_body: StreamReader = EMPTY_PAYLOAD
        self._is_discarding = False
        self._discarded_bytes = 0
        self._discarded: asyncio.Future[None] = self._loop.create_future()

    def discard_rest(self) -> None:
        """Discard all further input: the connection closes after the current response."""
        self._is_discarding = True

    def data_received(self, data: bytes) -> None:
        """Parse input of the client, or discard it."""
        if self._is_discarding:
            self._discarded_bytes += len(data)
            if self._discarded_bytes > limits.DISCARDED_BYTES:
                self._end_discarding()
            return
        super().data_received(data)
        if self._messages and self._messages[-1][1] is not self._last_body:
            self._fail_incomplete_body()
            self._last_body = self._messages[-1][1]

    def _fail_incomplete_body(self) -> None:
        """Fail a body that another message follows: it is malformed.

        aiohttp appends the error as a message, and leaves the handler that reads the body waiting.
        """
        if not self._last_body.is_eof():
            self._last_body.set_exception(web.RequestPayloadError())

    def eof_received(self) -> None:
        """Note that the client sends nothing more."""
        self._end_discarding()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Note that the connection is closed."""
        self._end_discarding()
        super().connection_lost(exc)

    def _end_discarding(self) -> None:
        if not self._discarded.done():
            self._discarded.set_result(None)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send a response; if the request was not read completely, let the client receive it.

        Closing a socket with unread input resets the connection, so that the client would lose the
        response.
        """
        result = await super().finish_response(request, resp, start_time)
        if not request.content.is_eof():
            self.discard_rest()
        transport = self.transport
        if self._is_discarding and transport is not None and not transport.is_closing():
            transport.write_eof()
            self.resume_reading(resume_parser=False)
            with suppress(TimeoutError):
                async with asyncio.timeout(limits.DISCARDING_SECONDS):
                    await self._discarded
        return result
