"""Prometheus metrics of tickets: transitions and breaches of this server, live tickets of all."""

from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.runtime.background_tasks import BackgroundTask, every
from engine.storage.postgres.database import Database
from engine.storage.resources.ticket_counts import WorkflowStatus, count_live_tickets
from engine.storage.sla.breaches import BreachCounts
from engine.tickets.transition_counts import TransitionCounts

_COUNT_SECONDS: Final = 30


class TicketMetrics(Collector):
    """The metrics of tickets, as this server counts them.

    Args:
        database: whose live tickets are counted.

    Attributes:
        transitions: the transitions that this server has made and refused.
        breaches: the breaches that this server has recorded.

    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._live: Mapping[WorkflowStatus, int] = {}
        self.transitions = TransitionCounts()
        self.breaches = BreachCounts()

    @property
    def task(self) -> BackgroundTask:
        """The task that counts live tickets."""
        return BackgroundTask("ticket_metrics", self.count, every(_COUNT_SECONDS))

    async def count(self) -> None:
        """Count the live tickets."""
        self._live = await count_live_tickets(self._database)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        live = GaugeMetricFamily(
            "interlock_live_tickets",
            "Live tickets in the database.",
            labels=["workflow", "status"],
        )
        made = CounterMetricFamily(
            "interlock_transitions",
            "Transitions that users made on this server.",
            labels=["workflow", "to"],
        )
        refused = CounterMetricFamily(
            "interlock_transitions_refused",
            "Transitions that this server refused.",
            labels=["workflow", "reason"],
        )
        breaches = CounterMetricFamily(
            "interlock_sla_breaches",
            "Breaches of SLA targets that this server recorded.",
            labels=["target"],
        )
        for (workflow, status), number in self._live.items():
            live.add_metric([workflow, status], number)
        for family, counts in ((made, self.transitions.made), (refused, self.transitions.refused)):
            for labels, number in counts.items():
                family.add_metric(labels, number)
        for target, number in self.breaches.items():
            breaches.add_metric([target], number)
        yield from (live, made, refused, breaches)
