"""Disconnects clients that do not read what the server sends them.

Otherwise such a client keeps what its request holds: memory, a slot, and during an export a
snapshot of the database.
"""

import asyncio

import structlog
from aiohttp import web

from api import limits
from api.http.connection import LimitedConnection
from api.http.connections import Connections

log = structlog.get_logger(component="http")


class SendTimeoutProtocol(LimitedConnection):
    """Aborts its connection if the client reads too little of a full send buffer for too long.

    The buffer is that of the transport, behind the one of the kernel. It is full with 64 KB, and
    can have more: a whole response. This applies to every response, streamed or not, and to the
    last one of a connection that is to be closed.
    """

    __slots__ = ("_send_seconds", "_send_timer", "_timed_out", "_unread_bytes")

    def __init__(self, server: web.Server, connections: Connections, send_seconds: float) -> None:
        super().__init__(server, connections)
        self._send_seconds = send_seconds
        self._send_timer: asyncio.TimerHandle | None = None
        self._timed_out = False
        self._unread_bytes = 0

    def pause_writing(self) -> None:
        """Start the timer: the buffer is full."""
        super().pause_writing()
        self._start_timer()

    def resume_writing(self) -> None:
        """Stop the timer: the client has read most of the buffer."""
        super().resume_writing()
        self._stop_timer()

    async def start(self) -> None:
        """Answer the requests; then give the client some time to read the last response."""
        try:
            await super().start()
        finally:
            if self._is_open:
                self._start_timer()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop the timer, and let tasks that wait for the client fail."""
        self._stop_timer()
        if self._timed_out:
            exc = ConnectionResetError("The client does not read.")
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        self._stop_timer()
        self._unread_bytes = self._socket.get_write_buffer_size()
        self._send_timer = self._loop.call_later(self._send_seconds, self._check)

    def _stop_timer(self) -> None:
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None

    def _check(self) -> None:
        """Abort the connection if the client has read too little since the last check."""
        read_bytes = self._unread_bytes - self._socket.get_write_buffer_size()
        if read_bytes >= limits.RECEIVED_BYTES_MIN:
            self._start_timer()
            return
        peer = self._socket.get_extra_info("peername")
        log.info("client does not read", remote=peer and peer[0], seconds=self._send_seconds)
        self._timed_out = True
        self._socket.abort()
