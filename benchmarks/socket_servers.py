"""Servers of sockets in separate processes: Interlock, and a bare one that repeats a text."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import typer
from aiohttp import web

from api.bootstrap.application import open_application
from api.bootstrap.options import server_options
from api.graphql.transport.websocket_messages import SUBPROTOCOL
from api.http.app_keys import CONNECTIONS
from api.http.connections import Connections
from api.http.server import run_server
from api.logging import configure_logging
from api.settings import Settings

OURS: Final = "interlock"
BARE: Final = "bare"

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def _bare_application(settings: Settings) -> AsyncIterator[web.Application]:
    """Yield an application that only sends the body of a POST request to every socket."""
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
    application[CONNECTIONS] = Connections(settings.limits.connection)
    application.add_routes([web.get("/graphql/ws", keep), web.post("/graphql", repeat)])
    yield application


def main() -> None:
    """Run the server that the first argument names; its settings are INTERLOCK_*."""
    settings = Settings.from_env(os.environ)
    configure_logging(settings.log_format, settings.log_level)
    servers: dict[str, Callable[[], AbstractAsyncContextManager[web.Application]]] = {
        OURS: lambda: open_application(settings),
        BARE: lambda: _bare_application(settings),
    }
    run_server(servers[sys.argv[1]](), server_options(settings), typer.echo)


if __name__ == "__main__":
    main()
