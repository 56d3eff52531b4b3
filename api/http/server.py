"""The server process: it serves until a signal stops it, then shuts down in order."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import dataclass
from typing import Final, cast

import structlog
import uvloop
from aiohttp import web

from api import limits
from api.http.app_keys import CONNECTIONS, DRAIN
from api.http.descriptors import raise_descriptor_limit
from api.http.protocol import HttpRunner
from engine.errors import Misconfigured

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_YOUNG_OBJECTS: Final = 20_000
"""How many new objects there can be before the garbage collector runs."""

log: Final = structlog.get_logger(component="server")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a server listens and stops.

    Attributes:
        host: the name or address to listen on.
        port: the port; 0 for any free one.
        send_seconds: how long a client can leave a full send buffer unread.
        drain_seconds: how long the server serves on after SIGTERM.
        status_page_port: a second port, for the status page; None for no such port.

    """

    host: str = "127.0.0.1"
    port: int = 0
    send_seconds: float = limits.STREAM_LIMITS.send_seconds
    drain_seconds: float = 0
    status_page_port: int | None = None


def run_server(
    application: AbstractAsyncContextManager[web.Application],
    options: ServerOptions,
    announce: Callable[[str], None],
) -> None:
    """Serve until a signal; then drain, stop listening, finish requests and close the resources.

    Only SIGTERM begins a drain, because SIGINT comes from a person at a terminal. A signal while
    the server starts ends it without a drain.

    Args:
        application: opens what the application needs, yields the application, and closes
            everything after the last request.
        options: how to listen and stop.
        announce: called with the URL when the server accepts requests.

    Raises:
        Misconfigured: the server cannot listen on host and port.

    """
    uvloop.run(_serve(application, options, announce))


async def _serve(
    application: AbstractAsyncContextManager[web.Application],
    options: ServerOptions,
    announce: Callable[[str], None],
) -> None:
    with _stop_signal() as stop, suppress(_StoppedAtStart):
        async with AsyncExitStack() as stack:
            async with _abandoned_at(stop):
                opened = await stack.enter_async_context(application)
                url = await stack.enter_async_context(listening(opened, options))
            _fit_connections(opened)
            _tune_garbage_collector()
            announce(url)
            drain_seconds = options.drain_seconds if await stop == signal.SIGTERM else 0
            if (drain := opened.get(DRAIN)) is not None:
                log.info("draining", seconds=drain_seconds)
                drain.begin(drain_seconds)
                await asyncio.sleep(drain_seconds)
            log.info("stopping", timeout_seconds=2 * limits.SHUTDOWN_SECONDS)
    log.info("stopped")


def _fit_connections(application: web.Application) -> None:
    """Allow as many connections as there can be file descriptors."""
    if CONNECTIONS in application:
        connections = application[CONNECTIONS]
        wanted = connections.limits.connections + limits.RESERVED_DESCRIPTORS
        connections.fit(raise_descriptor_limit(wanted))


def _tune_garbage_collector() -> None:
    """Exclude long-lived objects from garbage collection, and collect less often.

    Scanning all objects that start-up created blocked every request for a tenth of a second, again
    and again. Ten requests in flight are already more objects than Python's default threshold.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)


@contextmanager
def _stop_signal() -> Iterator[asyncio.Future[signal.Signals]]:
    """Yield the first stop signal, once it arrives; the second one ends the process."""
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[signal.Signals] = loop.create_future()

    def remove_handlers() -> None:
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)

    def request_stop(number: signal.Signals) -> None:
        stop.set_result(number)
        remove_handlers()

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, request_stop, number)
    try:
        yield stop
    finally:
        remove_handlers()


class _StoppedAtStart(Exception):  # no error
    """The server must stop before it has accepted any request, so it need not drain."""


@asynccontextmanager
async def _abandoned_at(stop: asyncio.Future[signal.Signals]) -> AsyncIterator[None]:
    """Cancel the block when the server must stop, and raise _StoppedAtStart then."""
    task = cast("asyncio.Task[object]", asyncio.current_task())

    def cancel(_: object) -> None:
        task.cancel()

    stop.add_done_callback(cancel)
    try:
        yield
        await asyncio.sleep(0)  # raises if the task was cancelled after its last wait
    except asyncio.CancelledError:
        if stop.done() and task.uncancel() == 0:
            raise _StoppedAtStart from None
        raise
    finally:
        stop.remove_done_callback(cancel)


@asynccontextmanager
async def listening(application: web.Application, options: ServerOptions) -> AsyncIterator[str]:
    """Serve requests in the block, which gets the URL; at its end, finish those in flight.

    Raises:
        Misconfigured: the address is in use, forbidden, or not of this machine.

    """
    runner = HttpRunner(application, options.send_seconds, limits.SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = await _start(runner, options.host, options.port, "INTERLOCK_PORT")
        if options.status_page_port is not None:
            await _start(
                runner, options.host, options.status_page_port, "INTERLOCK_STATUS_PAGE_PORT"
            )
        yield site.name
    finally:
        await runner.cleanup()


async def _start(runner: HttpRunner, host: str, port: int, setting: str) -> web.TCPSite:
    """Listen on a port, which a setting names."""
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        # The event loop puts the address before the reason.
        reason = str(error.strerror or error).rpartition(": ")[2]
        raise Misconfigured(
            f"Cannot listen on {site.name}: {reason}. "
            f"Set INTERLOCK_HOST and {setting} to a free address of this machine."
        ) from error
    return site
