"""A local webhook receiver, and servers that deliver to it."""

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

from api.licence import read_licence
from api.runtime.background_tasks import Supervisor
from api.runtime.plugins import PluginCache
from api.webhooks.worker import WebhookWorker
from engine.storage.postgres.database import Database, Row, open_database
from engine.storage.webhooks.status import read_statuses
from engine.webhooks.host_allowlist import HostAllowlist
from tests.support.databases import for_all_kinds
from tests.support.declared_resources import put_resources
from tests.support.webhook_deliveries import deliveries, run_sql, webhook

FINGERPRINT_CHARACTERS = 12
POLL_SECONDS = 0.005
PATIENCE_SECONDS = 20
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - published
OTHER_SECRET = "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcg=="  # noqa: S105 - made up


def entry_of_id(event_id: str) -> str:
    """Return the id of an event without its fingerprint: ticket and `seq`."""
    entry, fingerprint = event_id.rsplit("-", 1)
    assert len(fingerprint) == FINGERPRINT_CHARACTERS
    return entry


@dataclass(frozen=True, slots=True)
class Received:
    """A received request."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def entry(self) -> str:
        return entry_of_id(self.id)

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event

    def is_signed_with(self, secret: str) -> bool:
        """Verify the signature as the specification prescribes."""
        key = b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = f"v1,{b64encode(hmac.digest(key, signed, 'sha256')).decode()}"
        signatures = self.headers["webhook-signature"].split(" ")
        return any(hmac.compare_digest(expected, each) for each in signatures)


Respond = Callable[[Received], web.Response]


def accept(_request: Received) -> web.Response:
    return web.Response(status=204)


@dataclass(slots=True)
class Receiver:
    """Records requests, and responds as a test says.

    Attributes:
        respond: returns the response to a request.
        hold: if set, responses wait for it.

    """

    received: list[Received] = field(default_factory=list)
    respond: Respond = accept
    hold: asyncio.Event | None = None
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    url: str = ""

    @property
    def origin(self) -> str:
        return self.url.removesuffix("/hook")

    @property
    def entries(self) -> list[str]:
        """The ids without their fingerprints: ticket and `seq`."""
        return [each.entry for each in self.received]

    @property
    def types(self) -> list[str]:
        return [each.event["type"] for each in self.received]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Received(headers, await request.read())
        async with self.changed:
            self.received.append(received)
            self.changed.notify_all()
        if self.hold is not None:
            await self.hold.wait()
        return self.respond(received)

    async def wait_for(self, count: int) -> None:
        """Wait until this number of requests has been received."""
        await self.wait_until(lambda: len(self.received) >= count)

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds after a request."""
        async with asyncio.timeout(PATIENCE_SECONDS), self.changed:
            await self.changed.wait_for(condition)


@asynccontextmanager
async def open_receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", receiver.handle)
    async with TestServer(application) as server:
        receiver.url = str(server.make_url("/hook"))
        yield receiver


async def declare(database: Database, url: str, *events: str) -> None:
    """Declare the webhook `chat` for these events; for all if none is named."""
    declared = webhook("chat", url=url, secretName="chat", events=list(events) or None)
    await put_resources(database, [declared])


@dataclass(frozen=True, slots=True)
class Servers:
    """Servers with the same settings that deliver to a receiver."""

    database: Database
    folder: Path
    hosts: HostAllowlist

    async def worker(self, database: Database | None = None) -> WebhookWorker:
        """Return the webhook worker of a server, which does not run yet."""
        used = database or self.database
        plugins = await PluginCache.read(for_all_kinds(used), read_licence(None, None))
        return WebhookWorker(used, plugins, self.hosts, self.folder)

    async def deliver_due(self, count: int = 1) -> None:
        """Attempt all due deliveries, after at least this number was enqueued."""
        await deliver_due(await self.worker(), count)

    @asynccontextmanager
    async def running(self, urls: Sequence[str] = ()) -> AsyncIterator[None]:
        """Run one server, or one on each of these databases."""
        async with AsyncExitStack() as stack:
            opened = [await stack.enter_async_context(open_database(url)) for url in urls]
            for database in opened or [self.database]:
                worker = await self.worker(database)
                stack.push_async_callback(worker.stop)
                await stack.enter_async_context(Supervisor().run(worker.tasks(POLL_SECONDS)))
            yield


async def deliver_due(worker: WebhookWorker, count: int = 1) -> None:
    """Let a worker work until at least this number of deliveries is enqueued."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            await run_once(worker)
            if len(await deliveries(worker.database)) >= count:
                return


async def run_once(worker: WebhookWorker) -> None:
    """Let a worker look for work once, and finish it."""
    await worker.run_once()
    await worker.finish()


async def wait_for_deliveries(database: Database, state: str, count: int) -> list[Row]:
    """Return all deliveries as soon as this number is in a state."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = await deliveries(database)
            if sum(each["state"] == state for each in found) == count:
                return found


async def webhook_state(database: Database) -> str:
    """Return the state of the only webhook."""
    [status] = await read_statuses(database)
    return status.state


async def let_time_pass(database: Database) -> None:
    """Make all that waits due: delays, claims and pauses."""
    await run_sql(database, "UPDATE webhook_deliveries SET next_attempt_at = now()")
    await run_sql(database, "UPDATE webhook_deliveries SET claimed_until = now()")
    await run_sql(database, "UPDATE webhooks SET paused_until = now()")


def metric_values(worker: WebhookWorker) -> dict[tuple[str, str], float]:
    """Return the value of each webhook metric by its name and its second label."""
    return {
        (sample.name, next(value for key, value in sample.labels.items() if key != "webhook")): (
            sample.value
        )
        for collector in worker.metrics.collectors
        for family in collector.collect()
        for sample in family.samples
    }
