"""The webhook worker: every server runs one, and a slow receiver delays no other webhook."""

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
from api.webhooks.client import open_session, post_event
from api.webhooks.metrics import WebhookMetrics
from api.webhooks.secrets import BlockReason, read_secrets
from engine.declaration.models import Webhook
from engine.errors import Unavailable
from engine.plugins import Plugin
from engine.storage.postgres.database import Database
from engine.storage.webhooks.deliveries import Delivery, build_body, claim, record_result
from engine.storage.webhooks.fan_out import DeclaredWebhook, fan_out, find_webhooks_with_work
from engine.storage.webhooks.status import count_deliveries
from engine.webhook_urls import parse_webhook_url
from engine.webhooks.cloud_events import CONTENT_TYPE
from engine.webhooks.host_allowlist import HostAllowlist
from engine.webhooks.ip_ranges import AddressScope
from engine.webhooks.retry_policy import AttemptResult, DeliveryState, Failure, decide_retry
from engine.webhooks.signatures import Secret, signature_headers

_POLL_SECONDS: Final = 1
_METRICS_SECONDS: Final = 15
SLOTS: Final = 4
"""The number of concurrent requests to one receiver from one server."""

_FAILURE: Final = "webhook worker failed"

log: Final = structlog.get_logger(component="webhooks")


@dataclass(frozen=True, slots=True)
class CallContext:
    """What a server needs to call a receiver."""

    scope: AddressScope
    secrets: tuple[Secret, ...]


@dataclass(frozen=True, slots=True)
class WebhookWorker:
    """Delivers to webhooks while ticketing is on; servers share the work.

    Attributes:
        hosts: the hosts that this server can call.
        secrets: the folder of the secrets.
        used_slots: the number of running requests by webhook.
        blocked: why this server cannot call a webhook, by webhook.

    """

    database: Database
    plugins: PluginCache
    hosts: HostAllowlist
    secrets: Path | None
    metrics: WebhookMetrics = field(default_factory=WebhookMetrics)
    used_slots: Counter[str] = field(default_factory=Counter)
    blocked: dict[str, BlockReason] = field(default_factory=dict)

    @property
    def metrics_job(self) -> PeriodicJob:
        """The job that updates the metrics."""
        return PeriodicJob(self.update_metrics, _METRICS_SECONDS, _FAILURE)

    async def update_metrics(self) -> None:
        """Count deliveries, and check the settings also of webhooks that have no work."""
        counts = await count_deliveries(self.database)
        self.metrics.set_deliveries(counts)
        for each in counts:
            if each.declaration is None:
                self._set_blocked(each.name, None)
            else:
                await self._find_call_context(each.declaration)

    def _is_on(self) -> bool:
        return self.plugins.is_on(Plugin.TICKETING)

    async def run(self, poll_seconds: float = _POLL_SECONDS) -> None:
        """Look for work repeatedly, and do it, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            job = PeriodicJob(partial(self.run_once, tasks), poll_seconds, _FAILURE, self._is_on)
            await job.repeat()

    async def run_once(self, tasks: asyncio.TaskGroup) -> None:
        """Enqueue deliveries for new changes, and start to attempt those that are due."""
        for webhook in await find_webhooks_with_work(self.database):
            await run_logged(partial(self._process, webhook, tasks), _FAILURE)

    async def _process(self, webhook: DeclaredWebhook, tasks: asyncio.TaskGroup) -> None:
        while await fan_out(self.database, webhook.declaration):
            pass
        context = await self._find_call_context(webhook.declaration)
        if context is not None:
            name = webhook.declaration.name
            for _ in range(SLOTS - self.used_slots[name]):
                self.used_slots[name] += 1
                tasks.create_task(self._run_slot(webhook, context))

    async def _find_call_context(self, webhook: Webhook) -> CallContext | None:
        """Return the scope and secrets of a webhook; None if this server lacks them.

        Only this server reports what it lacks: another server may have other settings, and
        delivers.
        """
        scope = self.hosts.address_scope(parse_webhook_url(webhook.url))
        if scope is None:
            self._set_blocked(webhook.name, BlockReason.HOST_NOT_ALLOWED)
            return None
        secrets = await asyncio.to_thread(read_secrets, self.secrets, webhook.secret_name)
        if isinstance(secrets, BlockReason):
            self._set_blocked(webhook.name, secrets)
            return None
        self._set_blocked(webhook.name, None)
        return CallContext(scope, secrets)

    def _set_blocked(self, name: str, reason: BlockReason | None) -> None:
        """Update the metric, and log a new reason once."""
        if self.blocked.get(name) is reason:
            return
        self.metrics.set_blocked(name, reason)
        if reason is None:
            del self.blocked[name]
        else:
            self.blocked[name] = reason
            log.warning("webhook blocked on this server", webhook=name, reason=reason)

    async def _run_slot(self, webhook: DeclaredWebhook, context: CallContext) -> None:
        try:
            await run_logged(partial(self._deliver_due, webhook, context), _FAILURE)
        finally:
            self.used_slots[webhook.declaration.name] -= 1

    async def _deliver_due(self, webhook: DeclaredWebhook, context: CallContext) -> None:
        """Attempt one delivery after the other until none is due."""
        async with open_session(context.scope) as session:
            while self._is_on() and (delivery := await claim(self.database, webhook)):
                url = webhook.declaration.url
                result = await self._send(session, url, delivery, context.secrets)
                await self._record(webhook, delivery, result)

    async def _send(
        self, session: ClientSession, url: str, delivery: Delivery, secrets: tuple[Secret, ...]
    ) -> AttemptResult:
        """Attempt a delivery.

        A change from which no event can be built counts as a failed attempt; otherwise the later
        changes of its ticket would wait for ever.
        """
        try:
            body = await build_body(self.database, delivery)
        except Unavailable:
            raise
        except Exception:  # the recorded change can be invalid in any way
            log.exception("webhook event not rendered", webhook=delivery.webhook, id=delivery.id)
            return AttemptResult(Failure.UNRENDERABLE)
        headers = signature_headers(delivery.id, int(time.time()), body, secrets)
        return await post_event(session, url, {**headers, "Content-Type": CONTENT_TYPE}, body)

    async def _record(
        self, webhook: DeclaredWebhook, delivery: Delivery, result: AttemptResult
    ) -> None:
        chance = random.random()  # noqa: S311  # jitter is not a secret
        decision = decide_retry(result, delivery.attempts, chance)
        await record_result(self.database, webhook, delivery, result, decision)
        self.metrics.count_attempt(delivery.webhook, decision.state)
        if decision.state is DeliveryState.DEAD:
            log.warning(
                "webhook delivery failed permanently",
                webhook=delivery.webhook,
                id=delivery.id,
                attempts=delivery.attempts,
                result=str(result),
            )
