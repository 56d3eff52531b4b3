"""The server process: it listens until it is told to stop, and then ends in order."""

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
from api.http.protocol import Runner
from engine.errors import Misconfigured

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
YOUNG_OBJECTS: Final = 20_000
"""That are made, and not gone again, before the garbage collector looks at them."""

log: Final = structlog.get_logger(component="server")


def run_server(
    application: AbstractAsyncContextManager[web.Application],
    host: str,
    port: int,
    announce: Callable[[str], None],
) -> None:
    """Serve until SIGTERM or SIGINT, then stop listening, finish requests, close the resources.

    Args:
        application: opens what the application needs, yields it, and closes it after the last
            request has ended.
        host: the name or address to listen on.
        port: the port; 0 for any free one.
        announce: is called with the URL once requests are taken.

    Raises:
        Misconfigured: host and port can't be listened on.

    """
    uvloop.run(serve(application, host, port, announce))


async def serve(
    application: AbstractAsyncContextManager[web.Application],
    host: str,
    port: int,
    announce: Callable[[str], None],
) -> None:
    """Do as `run_server` does, on the running loop."""
    with stop_requested() as stop:
        async with application as opened, listening(opened, host, port) as url:
            put_aside_what_lasts()
            announce(url)
            await stop.wait()
            log.info("stopping", seconds_at_most=2 * limits.SHUTDOWN_SECONDS)
    log.info("stopped")


def put_aside_what_lasts() -> None:
    """Keep the garbage collector from what lasts: what was made to start, and requests in flight.

    Going through all that was made to start held every request for a tenth of a second, again and
    again. As few as ten requests in flight are more objects than Python's own threshold.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


@contextmanager
def stop_requested() -> Iterator[asyncio.Event]:
    """Turn the first signal into an event; the second ends the process as it usually does."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def heed_no_more() -> None:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)

    def request_stop() -> None:
        stop.set()
        heed_no_more()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, request_stop)
    try:
        yield stop
    finally:
        heed_no_more()


@asynccontextmanager
async def listening(application: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Take requests inside the block and yield the URL; finish those in flight at its end."""
    runner = Runner(application, shutdown_timeout=limits.SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await start(site)
        yield site.name
    finally:
        await runner.cleanup()


async def start(site: web.TCPSite) -> None:
    """Start to listen.

    Raises:
        Misconfigured: the address is taken, not allowed or none of this machine.

    """
    try:
        await site.start()
    except OSError as error:
        raise Misconfigured(
            f"Can't listen on {site.name}: {cause_of(error)}. "
            "Set INTERLOCK_HOST and INTERLOCK_PORT to a free address of this machine."
        ) from error


def cause_of(error: OSError) -> str:
    """Return why, without the address that the event loop puts before it."""
    return str(error.strerror or error).rpartition(": ")[2]
