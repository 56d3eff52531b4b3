"""Records health reports, and brings outage tickets in line with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from api.runtime.plugins import PluginCache
from engine.outages.health_report import HealthReport
from engine.outages.policy import WaitReason
from engine.plugins import Plugin
from engine.storage.outages.health import record_reports
from engine.storage.outages.reconcile_tickets import OutageResult, handle_service
from engine.storage.postgres.database import Database
from engine.storage.tickets.admission import Admission

NEEDS_OPERATOR: Final = frozenset({WaitReason.WORKFLOW_UNKNOWN, WaitReason.WORKFLOW_RETIRED})
"""Reasons to wait that an operator must fix."""

_VIEWER: Final = "health reports"
"""No user id contains a space."""

log: Final = structlog.get_logger(component="health_reports")


@dataclass(frozen=True, slots=True)
class HealthReports:
    """Handles the health reports of monitoring systems.

    Attributes:
        admission: bounds the changes that are made at a time; all reports are those of one viewer.

    """

    database: Database
    plugins: PluginCache
    admission: Admission

    async def record(
        self, path: str, reports: Sequence[HealthReport], key: str | None = None
    ) -> OutageResult:
        """Record reports of one service, then open, close or comment on its ticket.

        The reports have a separate transaction. If a later step fails or has to wait, a task of
        `api.runtime.maintenance` repeats it.

        Args:
            path: the path of the service.
            reports: of this service.
            key: the name of the API key that sent them.

        Raises:
            NotFound: no service was ever declared with that path.
            TooManyRequests, Overloaded: see `Admission.admit`.

        """
        licensed = self.plugins.licence_error(Plugin.TICKETING) is None
        async with self.admission.admit(_VIEWER, path):
            await record_reports(self.database, path, reports, key)
            result = await handle_service(self.database, path, licensed=licensed)
        if result.wait_reason in NEEDS_OPERATOR:
            log.warning("service cannot be handled", service=path, reason=result.wait_reason)
        return result
