"""What monitoring reports is recorded, and acted on at once if that can be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from api.runtime.plugins import LivePlugins
from engine.outages.health_report import HealthReport
from engine.outages.policy import WaitReason
from engine.plugins import Plugin
from engine.storage.outages.health import record_reports
from engine.storage.outages.reconcile_tickets import OutageResult, answer_service
from engine.storage.postgres.database import Database

FOR_SOMEBODY: Final = frozenset({WaitReason.WORKFLOW_UNKNOWN, WaitReason.WORKFLOW_RETIRED})
"""What nobody may have meant, and somebody has to put right."""

log: Final = structlog.get_logger(component="monitoring")


@dataclass(frozen=True, slots=True)
class HealthReports:
    """Takes reports."""

    database: Database
    plugins: LivePlugins

    async def take(self, path: str, reports: Sequence[HealthReport]) -> OutageResult:
        """Record reports of one service, act on them, and return what became of it.

        They are recorded in a transaction of their own: what fails later, or has to wait, is made
        up for by `api.runtime.maintenance`.

        Raises:
            NotFound: there never was a service of that path.

        """
        await record_reports(self.database, path, reports)
        licensed = self.plugins.refusal_by_licence(Plugin.TICKETING) is None
        answer = await answer_service(self.database, path, licensed=licensed)
        if answer.hindrance in FOR_SOMEBODY:
            log.warning("a service can't be answered", service=path, reason=answer.hindrance)
        return answer
