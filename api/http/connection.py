"""One connection, and how long its client can keep the server waiting."""

import asyncio
from contextlib import suppress
from typing import cast

from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import ERROR

from api import limits
from api.http.connections import Connections, TooManyConnections
from api.http.problem_details import Problem
from api.http.request_head import HeadTooLarge, RequestTimeout
from engine.errors import InterlockError


class LimitedConnection(web.RequestHandler):
    """A connection whose client has to send requests in time.

    Nothing decompresses a body, and the rest of a body that no handler read is not parsed.

    Attributes:
        refusal: why the head of the latest request is refused; None if it is not.
        first_byte_at: when the first byte of the latest request was received, by the clock of the
            event loop.

    """

    __slots__ = (
        "_connections",
        "_discarded",
        "_discarded_bytes",
        "_head_bytes",
        "_head_timer",
        "_is_discarding",
        "_is_open",
        "_last_body",
        "_socket",
        "first_byte_at",
        "refusal",
    )
    _socket: asyncio.Transport

    def __init__(self, server: web.Server, connections: Connections) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # None disables it
            auto_decompress=False,
            keepalive_timeout=connections.limits.idle_seconds,
            lingering_time=0,  # aiohttp would parse any number of bytes for that time
            max_field_size=limits.HEAD_FIELD_BYTES,
            max_headers=limits.HEAD_FIELDS,
            max_line_size=limits.HEAD_FIELD_BYTES,
            read_bufsize=limits.READ_BUFFER_BYTES,
        )
        self.refusal: InterlockError | None = None
        self.first_byte_at = 0.0
        self._connections = connections
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._last_body: StreamReader = EMPTY_PAYLOAD
        self._is_discarding = False
        self._is_open = False
        self._discarded_bytes = 0
        self._discarded: asyncio.Future[None] = self._loop.create_future()

    # The beginning and the end of the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request, or refuse the connection if there are too many."""
        self._socket = cast("asyncio.Transport", transport)
        address, *_ = transport.get_extra_info("peername") or ("",)
        try:
            self._connections.open(self, address)
        except TooManyConnections as error:
            self._socket.write(Problem.from_error(error).to_bytes())
            self._socket.close()
            self.force_close()  # ignores all input
        else:
            self._is_open = True
            super().connection_made(transport)
            self._start_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Note that the connection is closed."""
        self._is_open = False
        self._connections.close(self)
        self._stop_head_timer()
        self._end_discarding()
        super().connection_lost(exc)

    def resume_reading(
        self,
        resume_parser: bool = True,  # noqa: FBT001, FBT002  # aiohttp's signature
    ) -> None:
        """Resume reading if it is paused; aiohttp parses nothing again for each body otherwise."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    # The head of a request

    def data_received(self, data: bytes) -> None:
        """Parse input of the client, or discard it."""
        if self._is_discarding:
            self._discard(len(data))
            return
        super().data_received(data)
        if self._messages:
            self._end_head()
        elif data and (self._head_timer is not None or self.is_idle):
            self._continue_head(len(data))

    @property
    def is_idle(self) -> bool:
        """Whether the connection waits for a request."""
        return self._waiter is not None and not self._waiter.done()

    def _start_head(self) -> None:
        self.keep_alive(val=True)  # stops aiohttp's timer of idle connections
        self._head_bytes = 0
        seconds = self._connections.limits.head_seconds
        self._head_timer = self._loop.call_later(seconds, self._on_late_head)

    def _continue_head(self, received: int) -> None:
        """Note a part of a head; refuse it if it cannot become an acceptable one."""
        if self._head_timer is None:
            self._start_head()
        if not self._head_bytes:
            self.first_byte_at = self._loop.time()
        self._head_bytes += received
        # A complete head is measured without its syntax (`head_error`); that is never half of it.
        if self._head_bytes > 2 * limits.HEAD_BYTES:
            self._refuse_head(HeadTooLarge(limit="head_bytes", bound=limits.HEAD_BYTES))

    def _end_head(self) -> None:
        """Note that a request was parsed."""
        self._stop_head_timer()
        if not self._head_bytes:  # it was received at once
            self.first_byte_at = self._loop.time()
        self._head_bytes = 0
        _, body = self._messages[-1]
        if body is not self._last_body:
            if not self._last_body.is_eof():
                # aiohttp appends an error as a message, and leaves the reader of the body waiting.
                self._last_body.set_exception(web.RequestPayloadError())
            self._last_body = body

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _on_late_head(self) -> None:
        """Refuse a request whose head is late; close a connection without any."""
        if self._head_bytes:
            seconds = self._connections.limits.head_seconds
            self._refuse_head(RequestTimeout.of("head", "head_seconds", seconds))
        else:
            self.force_close()

    def _refuse_head(self, refusal: InterlockError) -> None:
        """Answer with an error, as if a request had been parsed."""
        self.refusal = refusal
        self._stop_head_timer()
        self.discard_rest()
        self._messages.append((ERROR, EMPTY_PAYLOAD))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)  # otherwise it reads the messages next

    # Input after a refusal

    def discard_rest(self) -> None:
        """Discard all further input: the connection closes after the current response."""
        self._is_discarding = True

    def _discard(self, received: int) -> None:
        self._discarded_bytes += received
        if self._discarded_bytes > limits.DISCARDED_BYTES:
            self._end_discarding()

    def _end_discarding(self) -> None:
        if not self._discarded.done():
            self._discarded.set_result(None)

    def eof_received(self) -> None:
        """Note that the client sends nothing more."""
        self._end_discarding()

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
