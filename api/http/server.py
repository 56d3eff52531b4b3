"""The server process: it serves until a signal stops it, then shuts down in order."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Final

import structlog
import uvloop
from aiohttp import web

from api import limits
from api.http.protocol import HttpRunner
from engine.errors import Misconfigured

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_YOUNG_OBJECTS: Final = 20_000
"""How many new objects there can be before the garbage collector runs."""

log: Final = structlog.get_logger(component="server")


def run_server(
    application: AbstractAsyncContextManager[web.Application],
    host: str,
    port: int,
    announce: Callable[[str], None],
) -> None:
    """Serve until SIGTERM or SIGINT; then stop listening, finish requests and close the resources.

    Args:
        application: opens what the application needs, yields the application, and closes
            everything after the last request.
        host: the name or address to listen on.
        port: the port; 0 for any free one.
        announce: called with the URL when the server accepts requests.

    Raises:
        Misconfigured: the server cannot listen on host and port.

    """
    uvloop.run(_serve(application, host, port, announce))


async def _serve(
    application: AbstractAsyncContextManager[web.Application],
    host: str,
    port: int,
    announce: Callable[[str], None],
) -> None:
    with _stop_event() as stop:
        async with application as opened, listening(opened, host, port) as url:
            _tune_garbage_collector()
            announce(url)
            await stop.wait()
            log.info("stopping", timeout_seconds=2 * limits.SHUTDOWN_SECONDS)
    log.info("stopped")


def _tune_garbage_collector() -> None:
    """Exclude long-lived objects from garbage collection, and collect less often.

    Scanning all objects that start-up created blocked every request for a tenth of a second, again
    and again. Ten requests in flight are already more objects than Python's default threshold.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)


@contextmanager
def _stop_event() -> Iterator[asyncio.Event]:
    """Yield an event that the first stop signal sets; the second one ends the process."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def remove_handlers() -> None:
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)

    def request_stop() -> None:
        stop.set()
        remove_handlers()

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, request_stop)
    try:
        yield stop
    finally:
        remove_handlers()


@asynccontextmanager
async def listening(application: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve requests in the block, which gets the URL; at its end, finish those in flight.

    Raises:
        Misconfigured: the address is in use, forbidden, or not of this machine.

    """
    runner = HttpRunner(application, shutdown_timeout=limits.SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            # The event loop puts the address before the reason.
            reason = str(error.strerror or error).rpartition(": ")[2]
            raise Misconfigured(
                f"Cannot listen on {site.name}: {reason}. "
                "Set INTERLOCK_HOST and INTERLOCK_PORT to a free address of this machine."
            ) from error
        yield site.name
    finally:
        await runner.cleanup()
