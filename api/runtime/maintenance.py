"""What every server does beside answering, again and again; replicas share the work."""

from functools import partial
from typing import Final

from api.runtime.jobs import PeriodicJob
from api.runtime.plugins import LivePlugins
from engine.plugins import Plugin
from engine.storage.outages.reconcile_tickets import act_on_reports
from engine.storage.postgres.database import Database
from engine.storage.sla.auto_close import close_quiet_tickets
from engine.storage.sla.breaches import sweep_due_times
from engine.storage.tickets.idempotency import prune_keys
from engine.storage.webhooks.deliveries import prune_deliveries

SWEEP_SECONDS: Final = 1
"""A transition leaves due times behind that are stale for so long, and a breach waits so long."""
REPORTS_SECONDS: Final = 2
CLOSING_SECONDS: Final = 10
"""A grace period is days long: a few seconds more don't matter."""
PRUNE_SECONDS: Final = 15 * 60


def maintenance_jobs(database: Database, plugins: LivePlugins) -> tuple[PeriodicJob, ...]:
    """Return everything that is to be done; what changes tickets rests while ticketing is off."""
    ticketing = partial(plugins.is_on, Plugin.TICKETING)
    return (
        PeriodicJob(
            partial(sweep_due_times, database),
            SWEEP_SECONDS,
            "due times could not be swept",
            ticketing,
        ),
        PeriodicJob(
            partial(act_on_reports, database),
            REPORTS_SECONDS,
            "reports could not be acted on",
            ticketing,
        ),
        PeriodicJob(
            partial(close_quiet_tickets, database),
            CLOSING_SECONDS,
            "quiet tickets could not be closed",
            ticketing,
        ),
        PeriodicJob(
            partial(prune_deliveries, database),
            PRUNE_SECONDS,
            "old deliveries could not be forgotten",
        ),
        PeriodicJob(
            partial(prune_keys, database),
            PRUNE_SECONDS,
            "old idempotency keys could not be forgotten",
        ),
    )
