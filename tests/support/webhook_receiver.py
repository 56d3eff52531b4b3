"""A receiver on this machine, the webhooks that are declared for it, and the servers that call."""

import asyncio
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import text

from api.licence import read_licence
from api.runtime.jobs import run_in_background
from api.runtime.plugins import PluginCache
from api.webhooks.worker import WebhookWorker
from engine.declaration.models import Ticketing
from engine.resources.resource import Kind, Resource, declared_resources
from engine.storage.postgres.database import Database, Row, open_database
from engine.storage.postgres.statements import Statement
from engine.storage.webhooks.status import webhook_reports
from engine.webhooks.host_allowlist import HostList
from tests.support.declared_resources import put

AT_ONCE = 0.005
PATIENCE_SECONDS = 20
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - published
OTHER_SECRET = "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcg=="  # noqa: S105 - made up


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event

    def is_signed_with(self, secret: str) -> bool:
        """Verify as the specification tells a receiver to."""
        key = b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        wanted = f"v1,{b64encode(hmac.digest(key, signed, 'sha256')).decode()}"
        given = self.headers["webhook-signature"].split(" ")
        return any(hmac.compare_digest(wanted, each) for each in given)


Answers = Callable[[Received], web.Response]


def take(_request: Received) -> web.Response:
    return web.Response(status=204)


@dataclass(slots=True)
class Receiver:
    """Keeps what comes, and answers as a test says."""

    received: list[Received] = field(default_factory=list)
    answer: Answers = take
    hold: asyncio.Event | None = None
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    url: str = ""

    @property
    def origin(self) -> str:
        return self.url.removesuffix("/hook")

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.received]

    @property
    def types(self) -> list[str]:
        return [each.event["type"] for each in self.received]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Received(headers, await request.read())
        async with self.news:
            self.received.append(received)
            self.news.notify_all()
        if self.hold is not None:
            await self.hold.wait()
        return self.answer(received)

    async def has(self, count: int) -> None:
        """Return when so many requests have come."""
        async with asyncio.timeout(PATIENCE_SECONDS), self.news:
            await self.news.wait_for(lambda: len(self.received) >= count)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", receiver.handle)
    async with TestServer(application) as server:
        receiver.url = str(server.make_url("/hook"))
        yield receiver


def webhooks(*declared: dict[str, object]) -> list[Resource]:
    ticketing = Ticketing.model_validate({"webhooks": declared})
    found = declared_resources(ticketing).values()
    return [each for each in found if each.key.kind is Kind.WEBHOOK]


def chat_at(url: str, *events: str) -> dict[str, object]:
    """Return a webhook that is told of these events; of all, if none is named."""
    return {"name": "chat", "url": url, "secretName": "chat", "events": list(events) or None}


async def declare(database: Database, url: str, *events: str) -> None:
    await put(database, webhooks(chat_at(url, *events)))


@dataclass(frozen=True, slots=True)
class Servers:
    """Servers that deliver to a receiver."""

    database: Database
    folder: Path
    hosts: HostList

    async def courier(self, database: Database | None = None) -> WebhookWorker:
        used = database or self.database
        plugins = await PluginCache.read(used, read_licence(None, None))
        return WebhookWorker(used, plugins, self.hosts, self.folder)

    async def make_rounds(self, until: int = 1) -> None:
        """Do what is due until so many deliveries were made, and all that is due then."""
        courier = await self.courier()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                await look_for_work(courier)
                if len(await deliveries(self.database)) >= until:
                    return

    @asynccontextmanager
    async def at_work(self, urls: Sequence[str] = ()) -> AsyncIterator[None]:
        """Have one server at work, or one on each of these databases."""
        async with AsyncExitStack() as stack:
            opened = [await stack.enter_async_context(open_database(url)) for url in urls]
            for database in opened or [self.database]:
                courier = await self.courier(database)
                await stack.enter_async_context(run_in_background(courier.go_on(AT_ONCE)))
            yield


async def look_for_work(courier: WebhookWorker) -> None:
    """Have a server look once, and do what it finds."""
    async with asyncio.TaskGroup() as tasks:
        await courier.send_out(tasks)


async def deliveries(database: Database) -> list[Row]:
    return await rows(database, "SELECT * FROM webhook_deliveries ORDER BY webhook, ticket, seq")


async def rows(database: Database, statement: str) -> list[Row]:
    return await database.rows(Statement.of(text(statement)))


async def see(database: Database, state: str, count: int) -> list[Row]:
    """Return the deliveries when so many are in a state."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = await deliveries(database)
            if sum(each["state"] == state for each in found) == count:
                return found


async def see_state(database: Database, state: str) -> None:
    """Return when the only webhook is in a state, which may take half a minute: it is let pass."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await state_of_the_only(database) != state:
            await let_work_wait(database)


async def state_of_the_only(database: Database) -> str:
    """Return the state of the only webhook."""
    [report] = await webhook_reports(database)
    return report.state


async def let_work_wait(database: Database) -> None:
    """Have what is due wait for a minute in which no server says anything."""
    await rows(database, "UPDATE webhooks SET block_checked_at = now() - interval '1min'")
    await rows(
        database,
        "UPDATE webhook_deliveries SET next_attempt_at = now() - interval '1min'"
        " WHERE next_attempt_at <= now()",
    )


async def let_time_pass(database: Database) -> None:
    """Have everything that waits be due: delays, claims, and what a receiver asked for."""
    await rows(database, "UPDATE webhook_deliveries SET next_attempt_at = now()")
    await rows(database, "UPDATE webhook_deliveries SET claimed_until = now()")
    await rows(database, "UPDATE webhooks SET paused_until = now()")
