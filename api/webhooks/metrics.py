"""What Prometheus is told of webhooks. The labels are names that are declared, and fixed words."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import Counter, Gauge

from engine.storage.webhooks.status import Count
from engine.webhooks.retry_policy import DeliveryState

OUTCOMES: Final = {
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.PENDING: "failed",
    DeliveryState.DEAD: "given_up",
}
"""What an attempt is called after which a delivery is in that state."""


class WebhookMetrics:
    """The attempts of this server, and what is owed by all of them together."""

    def __init__(self) -> None:
        self._attempts = Counter(
            "interlock_webhook_attempts",
            "Attempts to deliver something to a webhook.",
            ["webhook", "outcome"],
            registry=None,
        )
        self._deliveries = Gauge(
            "interlock_webhook_deliveries",
            "Deliveries that are pending, or dead.",
            ["webhook", "state"],
            registry=None,
        )
        self.collectors = (self._attempts, self._deliveries)

    def count(self, webhook: str, state: DeliveryState) -> None:
        """Count an attempt after which a delivery is in a state."""
        self._attempts.labels(webhook, OUTCOMES[state]).inc()

    def show(self, counts: Iterable[Count]) -> None:
        """Show how much is owed."""
        for each in counts:
            self._deliveries.labels(each.webhook, DeliveryState.PENDING).set(each.pending)
            self._deliveries.labels(each.webhook, DeliveryState.DEAD).set(each.dead)
