"""The ceiling: an aiohttp handler that runs the same SQL on asyncpg, and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from aiohttp import web

from benchmarks.api.storage import Storage


@asynccontextmanager
async def application(url: str) -> AsyncIterator[web.Application]:
    """Yield an application of nothing but a handler for each thing that is asked."""
    async with Storage.opened(url) as storage:

        async def ticket(request: web.Request) -> web.Response:
            asked = orjson.loads(await request.read())
            return answer({"data": {"ticket": await storage.ticket(asked["id"])}})

        async def page(request: web.Request) -> web.Response:
            asked = orjson.loads(await request.read())
            return answer({"data": {"tickets": {"nodes": await storage.page(asked["first"])}}})

        async def move(request: web.Request) -> web.Response:
            asked = orjson.loads(await request.read())
            moved = await storage.move(asked["id"], asked["to"])
            return answer({"data": {"transitionTicket": {"ticket": moved}}})

        async def create(request: web.Request) -> web.Response:
            created = await storage.create(orjson.loads(await request.read()))
            return answer({"data": {"createTicket": {"ticket": created}}})

        handlers = {"/ticket": ticket, "/list": page, "/move": move, "/create": create}
        made = web.Application()
        made.add_routes([web.post(path, handler) for path, handler in handlers.items()])
        yield made


def answer(body: object) -> web.Response:
    """Return an answer in JSON."""
    return web.Response(body=orjson.dumps(body), content_type="application/json")
