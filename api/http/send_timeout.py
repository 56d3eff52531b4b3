"""Disconnects clients that do not read what the server sends them.

Otherwise such a client keeps what its request holds: memory, a slot, and during an export a
snapshot of the database.
"""

import asyncio

import structlog
from aiohttp import web

from api.http.connection import LimitedConnection

log = structlog.get_logger(component="http")


class SendTimeoutProtocol(LimitedConnection):
    """Aborts its connection if the client leaves a full send buffer unread for too long.

    The buffer is that of the transport, behind the one of the kernel: 64 KB, of which the client
    has to read three quarters in time. This applies to every response, streamed or not.
    """

    __slots__ = ("_send_seconds", "_send_timer", "_timed_out")

    def __init__(self, server: web.Server, send_seconds: float) -> None:
        super().__init__(server)
        self._send_seconds = send_seconds
        self._send_timer: asyncio.TimerHandle | None = None
        self._timed_out = False

    def pause_writing(self) -> None:
        """Start the timer: the buffer is full."""
        super().pause_writing()
        loop = asyncio.get_running_loop()
        self._send_timer = loop.call_later(self._send_seconds, self._abort)

    def resume_writing(self) -> None:
        """Stop the timer: the client has read a part of the buffer."""
        super().resume_writing()
        self._stop_timer()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop the timer, and let tasks that wait for the client fail."""
        self._stop_timer()
        if self._timed_out:
            exc = ConnectionResetError("The client does not read.")
        super().connection_lost(exc)

    def _stop_timer(self) -> None:
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None

    def _abort(self) -> None:
        if self.transport is not None:
            peer = self.transport.get_extra_info("peername")
            log.info("client does not read", remote=peer and peer[0], seconds=self._send_seconds)
            self._timed_out = True
            self.transport.abort()
