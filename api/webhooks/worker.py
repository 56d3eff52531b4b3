"""Every server tells receivers what they are owed; a slow one keeps no other waiting."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from aiohttp import ClientSession

from api.runtime.jobs import PeriodicJob, run_logged
from api.runtime.plugins import PluginCache
from api.webhooks.client import call, open_session
from api.webhooks.metrics import WebhookMetrics
from api.webhooks.secrets import secrets_named
from engine.errors import Unavailable
from engine.plugins import Plugin
from engine.storage.postgres.database import Database
from engine.storage.webhooks.deliveries import (
    Delivery,
    body_of,
    claim,
    settle,
)
from engine.storage.webhooks.fan_out import WebhookAtWork, fan_out, webhooks_at_work
from engine.storage.webhooks.obstacles import note_no_obstacle, note_obstacle
from engine.storage.webhooks.status import count_deliveries
from engine.webhook_urls import parse_webhook_url
from engine.webhooks.cloud_events import CONTENT_TYPE
from engine.webhooks.host_allowlist import HostList
from engine.webhooks.ip_ranges import Reach
from engine.webhooks.retry_policy import DeliveryState, Failure, Obstacle, WebhookResponse, verdict
from engine.webhooks.signatures import Secret, signed

POLL_SECONDS: Final = 1
COUNT_SECONDS: Final = 15
SLOTS: Final = 4
"""How many calls of one receiver a server makes at once, so that a slow one holds up few."""

FAILURE: Final = "webhooks could not be worked on"

log: Final = structlog.get_logger(component="webhooks")


@dataclass(frozen=True, slots=True)
class CallContext:
    """What it takes to call a receiver."""

    reach: Reach
    secrets: tuple[Secret, ...]


@dataclass(frozen=True, slots=True)
class WebhookWorker:
    """Delivers, while ticketing is on; replicas share the work.

    Attributes:
        hosts: which of them may be called.
        secrets: the folder in which the texts of secrets are.
        lanes: how many calls are made at once of each webhook's receiver.
        lacking: what keeps this server from calling a webhook, as it told last.

    """

    database: Database
    plugins: PluginCache
    hosts: HostList
    secrets: Path | None
    metrics: WebhookMetrics = field(default_factory=WebhookMetrics)
    lanes: Counter[str] = field(default_factory=Counter)
    lacking: dict[str, Obstacle] = field(default_factory=dict)

    @property
    def counting(self) -> PeriodicJob:
        """What keeps the metrics up to date of what is owed."""
        return PeriodicJob(self.take_count, COUNT_SECONDS, FAILURE)

    async def take_count(self) -> None:
        """Let the metrics tell how much is pending, and how much dead."""
        self.metrics.show(await count_deliveries(self.database))

    def is_on(self) -> bool:
        """Tell whether anything may be delivered now."""
        return self.plugins.is_on(Plugin.TICKETING)

    async def go_on(self, every: float = POLL_SECONDS) -> None:
        """Look every so many seconds for what is owed, and work on it, for ever."""
        async with asyncio.TaskGroup() as tasks:
            await PeriodicJob(partial(self.send_out, tasks), every, FAILURE, self.is_on).repeat()

    async def send_out(self, tasks: asyncio.TaskGroup) -> None:
        """Spread what happened into deliveries, and begin to make those that are due."""
        for webhook in await webhooks_at_work(self.database):
            await run_logged(partial(self.serve, webhook, tasks), FAILURE)

    async def serve(self, webhook: WebhookAtWork, tasks: asyncio.TaskGroup) -> None:
        """Do so for one webhook."""
        while await fan_out(self.database, webhook.declared):
            pass
        means = await self.means_for(webhook)
        if means is not None:
            name = webhook.declared.name
            for _ in range(SLOTS - self.lanes[name]):
                self.lanes[name] += 1
                tasks.create_task(self.run_lane(webhook, means))

    async def means_for(self, webhook: WebhookAtWork) -> CallContext | None:
        """Return what it takes to call a receiver; None, and a note for people, if it lacks."""
        found = await asyncio.to_thread(self.found_for, webhook)
        name = webhook.declared.name
        if isinstance(found, CallContext):
            self.lacking.pop(name, None)
            await note_no_obstacle(self.database, name)
            return found
        if self.lacking.get(name) != found:
            self.lacking[name] = found
            log.warning("this server can't call a webhook", name=name, why=found)
        await note_obstacle(self.database, name, found)
        return None

    def found_for(self, webhook: WebhookAtWork) -> CallContext | Obstacle:
        """Return what it takes to call a receiver, or what of it lacks."""
        reach = self.hosts.reach_to(parse_webhook_url(webhook.declared.url))
        if reach is None:
            return Obstacle.HOST_NOT_ALLOWED
        secrets = secrets_named(self.secrets, webhook.declared.secret_name)
        return secrets if isinstance(secrets, Obstacle) else CallContext(reach, secrets)

    async def run_lane(self, webhook: WebhookAtWork, means: CallContext) -> None:
        """Make one delivery after the other until none is due."""
        try:
            await run_logged(partial(self.deliver_all, webhook, means), FAILURE)
        finally:
            self.lanes[webhook.declared.name] -= 1

    async def deliver_all(self, webhook: WebhookAtWork, means: CallContext) -> None:
        """Do so over connections of its own."""
        async with open_session(means.reach) as session:
            while self.is_on() and (delivery := await claim(self.database, webhook)):
                answer = await self.tell(session, webhook.declared.url, delivery, means.secrets)
                await self.note(webhook, delivery, answer)

    async def tell(
        self, session: ClientSession, url: str, delivery: Delivery, secrets: tuple[Secret, ...]
    ) -> WebhookResponse:
        """Make one attempt, and return what became of it."""
        body = await self.body_of(delivery)
        if body is None:
            return WebhookResponse(Failure.NOT_TELLABLE)
        headers = signed(delivery.id, int(time.time()), body, secrets)
        return await call(session, url, {**headers, "Content-Type": CONTENT_TYPE}, body)

    async def body_of(self, delivery: Delivery) -> bytes | None:
        """Return what is told; None, and a word in the log, if what is recorded can't be.

        That is a fault which another attempt may meet again, so it counts as one that failed: else
        the later changes of the ticket would wait for ever.
        """
        try:
            return await body_of(self.database, delivery)
        except Unavailable:
            raise
        except Exception:  # whatever is wrong with what is recorded
            log.exception("a change can't be told", webhook=delivery.webhook, id=delivery.id)
            return None

    async def note(
        self, webhook: WebhookAtWork, delivery: Delivery, answer: WebhookResponse
    ) -> None:
        """Write down what became of an attempt, and decide what is done next."""
        decided = verdict(answer, delivery.attempts, random.random())  # noqa: S311  # no secret
        await settle(self.database, webhook, delivery, answer, decided)
        self.metrics.count(delivery.webhook, decided.state)
        if decided.state is DeliveryState.DEAD:
            tell_of_death(delivery, answer)


def tell_of_death(delivery: Delivery, answer: WebhookResponse) -> None:
    """Write down what will not be attempted again."""
    log.warning(
        "a delivery was given up",
        webhook=delivery.webhook,
        id=delivery.id,
        attempts=delivery.attempts,
        answer=str(answer),
    )
