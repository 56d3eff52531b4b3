"""The periodic jobs of every server; replicas share the work."""

from functools import partial
from typing import Final

from api.runtime.jobs import PeriodicJob
from api.runtime.plugins import PluginCache
from engine.plugins import Plugin
from engine.storage.outages.waiting import handle_waiting_services
from engine.storage.postgres.database import Database
from engine.storage.sla.auto_close import close_resolved_tickets
from engine.storage.sla.breaches import sweep_due_times
from engine.storage.tickets.idempotency import prune_keys
from engine.storage.webhooks.deliveries import prune_deliveries

SWEEP_SECONDS: Final = 1
"""How long due times can be stale after a transition, and how late a breach is recorded."""
REPORTS_SECONDS: Final = 2
CLOSING_SECONDS: Final = 10
"""A grace period lasts days, so a few seconds do not matter."""
PRUNE_SECONDS: Final = 15 * 60


def maintenance_jobs(database: Database, plugins: PluginCache) -> tuple[PeriodicJob, ...]:
    """Return all periodic jobs; those that change tickets pause while ticketing is off."""
    ticketing = partial(plugins.is_on, Plugin.TICKETING)
    return (
        PeriodicJob(
            partial(sweep_due_times, database),
            SWEEP_SECONDS,
            "SLA breaches could not be recorded",
            ticketing,
        ),
        PeriodicJob(
            partial(handle_waiting_services, database),
            REPORTS_SECONDS,
            "health reports could not be handled",
            ticketing,
        ),
        PeriodicJob(
            partial(close_resolved_tickets, database),
            CLOSING_SECONDS,
            "resolved tickets could not be closed",
            ticketing,
        ),
        PeriodicJob(
            partial(prune_deliveries, database),
            PRUNE_SECONDS,
            "old webhook deliveries could not be deleted",
        ),
        PeriodicJob(
            partial(prune_keys, database),
            PRUNE_SECONDS,
            "old idempotency keys could not be deleted",
        ),
    )
