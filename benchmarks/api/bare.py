"""The reference: aiohttp handlers that run the same SQL with asyncpg, and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from aiohttp import web

from benchmarks.api.storage import Storage


@asynccontextmanager
async def bare_application(url: str) -> AsyncIterator[web.Application]:
    """Yield an application with a handler for each case."""
    async with Storage.opened(url) as storage:

        async def ticket(request: web.Request) -> web.Response:
            body = orjson.loads(await request.read())
            return json_response({"data": {"ticket": await storage.ticket(body["id"])}})

        async def page(request: web.Request) -> web.Response:
            body = orjson.loads(await request.read())
            return json_response(
                {"data": {"tickets": {"nodes": await storage.page(body["first"])}}}
            )

        async def transition(request: web.Request) -> web.Response:
            body = orjson.loads(await request.read())
            ticket = await storage.transition(body["id"], body["to"])
            return json_response({"data": {"transitionTicket": {"ticket": ticket}}})

        async def create(request: web.Request) -> web.Response:
            created = await storage.create(orjson.loads(await request.read()))
            return json_response({"data": {"createTicket": {"ticket": created}}})

        handlers = {"/ticket": ticket, "/list": page, "/transition": transition, "/create": create}
        application = web.Application()
        application.add_routes([web.post(path, handler) for path, handler in handlers.items()])
        yield application


def json_response(body: object) -> web.Response:
    """Return a response in JSON."""
    return web.Response(body=orjson.dumps(body), content_type="application/json")
