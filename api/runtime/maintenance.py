"""The background tasks that keep the database in order; all servers share their work."""

from functools import partial
from typing import Final

from api.runtime.background_tasks import BackgroundTask, every
from api.runtime.plugins import PluginCache
from api.runtime.ticket_metrics import TicketMetrics
from engine.plugins import Plugin
from engine.storage.insights.refused_transitions import record_refusals
from engine.storage.outages.waiting import handle_waiting_services
from engine.storage.outages.window_changes import follow_all_windows
from engine.storage.postgres.database import Database
from engine.storage.sla.auto_close import close_resolved_tickets
from engine.storage.sla.breaches import sweep_due_times
from engine.storage.tickets.idempotency import prune_keys
from engine.storage.web_sessions import SessionLifetime, WebSessionStore
from engine.storage.webhooks.deliveries import prune_deliveries

SWEEP_SECONDS: Final = 1
"""How long due times can be stale after a transition, and how late a breach is recorded."""
REPORTS_SECONDS: Final = 2
CLOSING_SECONDS: Final = 10
"""A grace period lasts days, so a few seconds do not matter."""
REFUSALS_SECONDS: Final = 5
"""How long a refused transition is counted only in the memory of a server."""
PRUNE_SECONDS: Final = 15 * 60


def maintenance_tasks(
    database: Database,
    plugins: PluginCache,
    session_lifetime: SessionLifetime,
    metrics: TicketMetrics,
) -> tuple[BackgroundTask, ...]:
    """Return the tasks; those that change tickets pause while ticketing is off."""
    ticketing = partial(plugins.is_on, Plugin.TICKETING)
    sessions = WebSessionStore(database, session_lifetime)
    return (
        BackgroundTask(
            "sla_breaches",
            partial(sweep_due_times, database, counts=metrics.breaches),
            every(SWEEP_SECONDS),
            ticketing,
        ),
        BackgroundTask(
            "maintenance_windows",
            partial(follow_all_windows, database),
            every(REPORTS_SECONDS),
        ),
        BackgroundTask(
            "waiting_services",
            partial(handle_waiting_services, database),
            every(REPORTS_SECONDS),
            ticketing,
        ),
        BackgroundTask(
            "automatic_closing",
            partial(close_resolved_tickets, database),
            every(CLOSING_SECONDS),
            ticketing,
        ),
        BackgroundTask(
            "refused_transitions",
            partial(record_refusals, database, metrics.transitions.unrecorded),
            every(REFUSALS_SECONDS),
        ),
        metrics.task,
        BackgroundTask("old_deliveries", partial(prune_deliveries, database), every(PRUNE_SECONDS)),
        BackgroundTask("old_idempotency_keys", partial(prune_keys, database), every(PRUNE_SECONDS)),
        BackgroundTask("old_web_sessions", sessions.delete_expired, every(PRUNE_SECONDS)),
    )
