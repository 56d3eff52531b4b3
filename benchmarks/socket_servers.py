"""Servers of sockets, each a process of its own: Interlock, and a bare one that repeats a text."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import typer
from aiohttp import web

from api.bootstrap.application import open_application
from api.graphql.transport.websocket_messages import SUBPROTOCOL
from api.http.server import run_server
from api.logging import configure_logging
from api.settings import Settings

OURS: Final = "interlock"
BARE: Final = "bare"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def bare_application() -> AsyncIterator[web.Application]:
    """Yield an application that sends what is posted to every socket, and nothing else."""
    sockets: set[web.WebSocketResponse] = set()

    async def keep(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=(SUBPROTOCOL,), heartbeat=20, compress=False)
        await socket.prepare(request)
        sockets.add(socket)
        async for _ in socket:
            pass
        sockets.discard(socket)
        return socket

    async def repeat(request: web.Request) -> web.Response:
        text = await request.text()
        await asyncio.gather(*(socket.send_str(text) for socket in sockets))
        return web.Response()

    application = web.Application()
    application.add_routes([web.get("/graphql/ws", keep), web.post("/graphql", repeat)])
    yield application


def main() -> None:
    """Serve what the first argument names until told to stop; the settings are INTERLOCK_*."""
    settings = Settings.from_env(os.environ)
    configure_logging(settings.log_format, settings.log_level)
    servers: dict[str, Callable[[], AbstractAsyncContextManager[web.Application]]] = {
        OURS: lambda: open_application(settings),
        BARE: bare_application,
    }
    run_server(servers[sys.argv[1]](), settings.host, settings.port, typer.echo)


if __name__ == "__main__":
    main()
