"""What monitoring reports is recorded, and acted on: at once, or as soon as that can be."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from api.plugins import LivePlugins
from engine.errors import Unavailable
from engine.plugins import Plugin
from engine.storage.database import Database
from engine.storage.outage_tickets import Answer, act_on_reports, answer_service
from engine.storage.service_health import record_reports
from engine.tickets.outage import Hindrance
from engine.tickets.reports import HealthReport

SWEEP_SECONDS: Final = 2
FOR_SOMEBODY: Final = frozenset({Hindrance.WORKFLOW_UNKNOWN, Hindrance.WORKFLOW_RETIRED})
"""What nobody may have meant, and somebody has to put right."""

log: Final = structlog.get_logger(component="monitoring")


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Takes reports, and looks after what has to wait."""

    database: Database
    plugins: LivePlugins

    async def take(self, path: str, reports: Sequence[HealthReport]) -> Answer:
        """Record reports of one service, act on them, and return what became of it.

        They are recorded in a transaction of their own: what fails later is made up for.

        Raises:
            NotFound: there never was a service of that path.

        """
        await record_reports(self.database, path, reports)
        licensed = self.plugins.refusal_by_licence(Plugin.TICKETING) is None
        answer = await answer_service(self.database, path, licensed=licensed)
        if answer.hindrance in FOR_SOMEBODY:
            log.warning("a service can't be answered", service=path, reason=answer.hindrance)
        return answer

    async def look_after(self, every: float = SWEEP_SECONDS) -> None:
        """Act every so many seconds on what waited long enough, for ever; replicas share it."""
        while True:
            await asyncio.sleep(every)
            await self.catch_up()

    async def catch_up(self) -> None:
        """Act on what waited long enough, while ticketing is on; the log tells what fails."""
        if not self.plugins.is_on(Plugin.TICKETING):
            return
        try:
            await act_on_reports(self.database)
        except Unavailable as error:
            log.warning("reports could not be acted on", reason=error.message)
        except Exception:  # whatever it is, the next time comes
            log.exception("reports could not be acted on")
