"""A server process for the tests: it prints its URL, and a line when its resources are closed."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import typer
from aiohttp import web

from api.bootstrap.auth import token_issuer
from api.http.application import AccessControl, build_application
from api.http.server import ServerOptions, run_server
from api.logging import configure_logging
from api.settings import Settings


async def hold(_request: web.Request) -> web.Response:
    """Answer the next line of standard input."""
    typer.echo("holding")
    return web.Response(text=await asyncio.to_thread(sys.stdin.readline))


async def ready() -> None: ...


@asynccontextmanager
async def open_application(settings: Settings) -> AsyncIterator[web.Application]:
    guards = AccessControl(token_issuer(settings))
    yield build_application([web.get("/hold", hold)], guards)
    typer.echo("closed")


def main() -> None:
    settings = Settings.from_env(os.environ)
    configure_logging(settings.log_format, settings.log_level)
    options = ServerOptions(settings.host, settings.port, drain_seconds=settings.drain_seconds)
    run_server(open_application(settings), options, typer.echo)


if __name__ == "__main__":
    main()
