"""Prometheus metrics of webhooks. Label values are declared names and members of enums."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import Counter, Gauge

from api.webhooks.secrets import BlockReason
from engine.storage.webhooks.status import DeliveryCounts
from engine.webhooks.retry_policy import DeliveryState

_OUTCOMES: Final = {
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.PENDING: "failed",
    DeliveryState.DEAD: "dead",
}
"""The outcome of an attempt by the state of the delivery after it."""


class WebhookMetrics:
    """The attempts and missing settings of this server, and the deliveries of all servers."""

    def __init__(self) -> None:
        self._attempts = Counter(
            "interlock_webhook_attempts",
            "Attempts to deliver to a webhook.",
            ["webhook", "outcome"],
            registry=None,
        )
        self._deliveries = Gauge(
            "interlock_webhook_deliveries",
            "Deliveries of a webhook that are pending or dead.",
            ["webhook", "state"],
            registry=None,
        )
        self._blocked = Gauge(
            "interlock_webhook_blocked",
            "1 if this server cannot call the webhook, for example because it lacks its secret.",
            ["webhook", "reason"],
            registry=None,
        )
        self.collectors = (self._attempts, self._deliveries, self._blocked)

    def count_attempt(self, webhook: str, state: DeliveryState) -> None:
        """Count an attempt by the state of the delivery after it."""
        self._attempts.labels(webhook, _OUTCOMES[state]).inc()

    def set_deliveries(self, counts: Iterable[DeliveryCounts]) -> None:
        """Set the numbers of pending and dead deliveries."""
        for each in counts:
            self._deliveries.labels(each.name, DeliveryState.PENDING).set(each.pending)
            self._deliveries.labels(each.name, DeliveryState.DEAD).set(each.dead)

    def set_blocked(self, webhook: str, reason: BlockReason | None) -> None:
        """Set why this server cannot call a webhook; None if it can."""
        self._blocked.remove_by_labels({"webhook": webhook})
        if reason is not None:
            self._blocked.labels(webhook, reason).set(1)
