"""The ceiling: an aiohttp handler that runs the same SQL on asyncpg, and nothing else."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import asyncpg
import orjson
from aiohttp import web

from benchmarks.fleet import ASSIGNEE
from engine.storage.finding import Shape, page_statement
from engine.storage.ticket_reads import TICKET
from engine.storage.transition import transition_statement
from engine.storage.users import NAMES
from engine.tickets.finding import Order
from engine.vocabulary import Status

Row = dict[str, Any]

LIST: Final = page_statement(Shape(frozenset(), Order(), frozenset(), from_end=False))
MOVE: Final = transition_statement(keyed=False, sees_all=True)
PLAIN: Final = {
    "id": "id",
    "title": "title",
    "description": "description",
    "status": "status",
    "priority": "priority",
    "workflow": "workflow",
    "version": "version",
    "assigneeGroup": "assignee_group",
}
CONNECTIONS: Final = 10


class Storage:
    """The three statements, on connections that nothing resets after a loan."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str) -> AsyncIterator["Storage"]:
        """Open the connections, and close them at the end."""

        async def nothing(_connection: object) -> None: ...

        settings = {"timezone": "UTC"}
        async with asyncpg.create_pool(
            url, min_size=CONNECTIONS, max_size=CONNECTIONS, reset=nothing, server_settings=settings
        ) as pool:
            yield cls(pool)

    async def ticket(self, id_: str) -> Row:
        """Return a ticket as it is answered."""
        sql = TICKET.of_all
        row = await self._pool.fetchrow(sql.sql, *sql.arguments({"ticket": id_}))
        return (await self._answered([row]))[0]

    async def page(self, first: int) -> list[Row]:
        """Return the newest tickets as they are answered."""
        rows = await self._pool.fetch(LIST.sql, *LIST.arguments({"rows": first + 1}))
        return await self._answered(rows[:first])

    async def move(self, id_: str, to: str) -> Row:
        """Move a ticket, and return what is answered of it."""
        values = {
            "ticket": id_,
            "actor": ASSIGNEE.id,
            "admin_bit": 0,
            "target": to,
            "target_ordinal": Status(to).ordinal,
            "expected_version": None,
        }
        row = await self._pool.fetchrow(MOVE.sql, *MOVE.arguments(values))
        if not row["moved"]:
            raise RuntimeError(f"{id_} was not moved to {to}")
        moved = {name: row[name] for name in ("id", "status", "version")}
        return {**moved, "updatedAt": to_the_second(row["updated_at"])}

    async def _answered(self, rows: Sequence[asyncpg.Record]) -> list[Row]:
        people = {person for row in rows for person in (row["requester"], row["assignee"])}
        found = await self._pool.fetch(NAMES.sql, sorted(people - {None}))
        names = {row["id"]: row["name"] for row in found}
        return [
            {name: row[column] for name, column in PLAIN.items()}
            | {
                "createdAt": to_the_second(row["created_at"]),
                "updatedAt": to_the_second(row["updated_at"]),
                "requester": person(row["requester"], names),
                "assignee": person(row["assignee"], names),
            }
            for row in rows
        ]


def person(id_: str | None, names: dict[str, str | None]) -> Row | None:
    """Return a person as they are answered."""
    return None if id_ is None else {"id": id_, "name": names.get(id_) or id_}


def to_the_second(at: datetime) -> str:
    """Return a moment as it is answered."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


@asynccontextmanager
async def application(url: str) -> AsyncIterator[web.Application]:
    """Yield an application of nothing but the three handlers."""
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

        made = web.Application()
        made.add_routes(
            [web.post("/ticket", ticket), web.post("/list", page), web.post("/move", move)]
        )
        yield made


def answer(body: object) -> web.Response:
    """Return an answer in JSON."""
    return web.Response(body=orjson.dumps(body), content_type="application/json")
