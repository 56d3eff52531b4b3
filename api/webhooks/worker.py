"""The webhook worker: every server runs one, and a slow receiver delays no other webhook."""

import asyncio
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

import structlog
from aiohttp import ClientSession

from api.runtime.background_tasks import BackgroundTask, Job, every
from api.runtime.plugins import PluginCache
from api.webhooks.call_context import CallContext, read_call_context
from api.webhooks.client import open_session, post_event
from api.webhooks.metrics import WebhookMetrics
from api.webhooks.secrets import BlockReason
from engine.declaration.models import Webhook
from engine.errors import PositionLost, Unavailable
from engine.plugins import Plugin
from engine.storage.postgres.database import Database
from engine.storage.webhooks.deliveries import Delivery, build_body, claim, record_result
from engine.storage.webhooks.fan_out import DeclaredWebhook, fan_out, find_webhooks_with_work
from engine.storage.webhooks.status import count_deliveries
from engine.webhooks.cloud_events import CONTENT_TYPE
from engine.webhooks.host_allowlist import HostAllowlist
from engine.webhooks.retry_policy import AttemptResult, DeliveryState, Failure, decide_retry
from engine.webhooks.signatures import Secret, signature_headers

_POLL_SECONDS: Final = 1
_METRICS_SECONDS: Final = 15
SLOTS: Final = 4
"""The number of concurrent requests to one receiver from one server."""

_FAILURE: Final = "webhook worker failed"

log: Final = structlog.get_logger(component="webhooks")


@dataclass(frozen=True, slots=True)
class WebhookWorker:
    """Delivers to webhooks while ticketing is on; servers share the work.

    Attributes:
        hosts: the hosts that this server can call.
        secrets: the folder of the secrets.
        slots: the tasks that make requests, by webhook.
        blocked: why this server cannot call a webhook, by webhook.

    """

    database: Database
    plugins: PluginCache
    hosts: HostAllowlist
    secrets: Path | None
    metrics: WebhookMetrics = field(default_factory=WebhookMetrics)
    slots: defaultdict[str, set[asyncio.Task[Exception | None]]] = field(
        default_factory=partial(defaultdict, set)
    )
    blocked: dict[str, BlockReason] = field(default_factory=dict)

    def tasks(self, poll_seconds: float = _POLL_SECONDS) -> tuple[BackgroundTask, ...]:
        """Return the tasks that deliver to webhooks, and that update the metrics."""
        return (
            BackgroundTask("webhooks", self.run_once, every(poll_seconds), self._is_on),
            BackgroundTask("webhook_metrics", self.update_metrics, every(_METRICS_SECONDS)),
        )

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

    async def run_once(self) -> None:
        """Enqueue deliveries for new changes, and start to attempt those that are due.

        An error of one webhook is logged, and does not affect the others.

        Raises:
            Exception: of the first webhook, if all webhooks had errors.

        """
        webhooks = await find_webhooks_with_work(self.database)
        errors = [
            error
            for each in webhooks
            if (error := await _run_logged(partial(self._process, each))) is not None
        ]
        if errors and len(errors) == len(webhooks):
            raise errors[0]

    async def stop(self) -> None:
        """Cancel all running requests. Other servers, or the next start, repeat them."""
        for slot in chain(*self.slots.values()):
            slot.cancel()
        await self.finish()

    async def finish(self) -> None:
        """Wait until no request runs."""
        await asyncio.gather(*chain(*self.slots.values()), return_exceptions=True)

    async def _process(self, webhook: DeclaredWebhook) -> None:
        while await fan_out(self.database, webhook.declaration):
            pass
        context = await self._find_call_context(webhook.declaration)
        if context is not None:
            name = webhook.declaration.name
            slots = self.slots[name]
            for _ in range(SLOTS - len(slots)):
                deliver = partial(self._deliver_due, webhook, context)
                slot = asyncio.create_task(_run_logged(deliver))
                slots.add(slot)
                slot.add_done_callback(slots.discard)

    async def _find_call_context(self, webhook: Webhook) -> CallContext | None:
        """Return the scope and secrets of a webhook; None if this server lacks them.

        Only this server reports what it lacks: another server may have other settings, and
        delivers.
        """
        context = await asyncio.to_thread(read_call_context, webhook, self.hosts, self.secrets)
        if isinstance(context, BlockReason):
            self._set_blocked(webhook.name, context)
            return None
        self._set_blocked(webhook.name, None)
        return context

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

    async def _deliver_due(self, webhook: DeclaredWebhook, context: CallContext) -> None:
        """Attempt one delivery after the other until none is due."""
        async with open_session(context.scope) as session:
            while self._is_on() and (delivery := await claim(self.database, webhook)):
                url = webhook.declaration.url
                try:
                    result = await self._send(session, url, delivery, context.secrets)
                except PositionLost:  # the change and the claim are lost, and nothing is to record
                    log.warning("webhook change lost", webhook=delivery.webhook, id=delivery.id)
                else:
                    await self._record(webhook, delivery, result)

    async def _send(
        self, session: ClientSession, url: str, delivery: Delivery, secrets: tuple[Secret, ...]
    ) -> AttemptResult:
        """Attempt a delivery.

        A change from which no event can be built counts as a failed attempt; otherwise the later
        changes of its ticket would wait for ever.

        Raises:
            PositionLost: the database lost the change after the delivery was claimed.

        """
        try:
            body = await build_body(self.database, delivery)
        except (Unavailable, PositionLost):
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


async def _run_logged(job: Job) -> Exception | None:
    """Run the work for one webhook; log and return its error instead of raising it."""
    try:
        await job()
    except Unavailable as error:
        log.warning(_FAILURE, reason=error.message)
        return error
    except Exception as error:  # any error: the work for other webhooks continues
        log.exception(_FAILURE)
        return error
    return None
