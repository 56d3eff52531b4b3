"""What monitoring reports, for machines: `/api/v1/health/report`, and Alertmanager's webhook."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from api.http.alertmanager import Alert, Webhook
from api.http.bodies import json_in
from api.http.entrances import By, with_key
from api.keys import Scope
from api.moments import to_the_second
from api.monitoring import Monitoring
from engine.errors import InterlockError, InvalidInput, NotFound
from engine.storage.outage_tickets import Answer
from engine.tickets.outage import Hindrance, Response
from engine.tickets.reports import HealthReport

REPORT_PATH: Final = "/api/v1/health/report"
ALERTS_PATH: Final = "/api/v1/alerts/alertmanager"
LABEL_PARAMETER: Final = "label"
"""Names, in the address of the webhook, the label that names the service."""
LABEL: Final = "service"

OUTCOMES: Final = {
    Response.NOTHING: "unchanged",
    Response.WAIT: "waiting",
    Response.OPEN: "opened",
    Response.REOPEN: "reopened",
    Response.CLOSE: "closed",
    Response.COMMENT: "commented",
}
REASONS: Final = {
    Hindrance.PLUGIN_DISABLED: "Ticketing is off; it is acted on when ticketing is on again.",
    Hindrance.SERVICE_RETIRED: "The service is declared no more, so it opens no tickets.",
    Hindrance.AUTO_TICKET_OFF: "The service opens no tickets: autoTicket is false.",
    Hindrance.HOLD_DOWN: "A ticket is opened once it has been DOWN for as long as holdDown says.",
    Hindrance.WORKFLOW_UNKNOWN: "The service's workflow is not declared; a ticket is opened once"
    " it is.",
    Hindrance.WORKFLOW_RETIRED: "The workflow is retired; it is acted on once the workflow is"
    " declared again.",
}

Fields = dict[str, object]


def monitoring_routes(monitoring: Monitoring) -> list[By]:
    """Return the routes."""

    async def report(request: web.Request) -> web.Response:
        said = await json_in(request)
        if not isinstance(said, dict):
            raise InvalidInput("The body must be an object with path and status.")
        checked = HealthReport.checked(**said)
        return web.json_response(fields_of(await monitoring.take(checked.path, [checked])))

    async def alerts(request: web.Request) -> web.Response:
        webhook = Webhook.read(await json_in(request))
        label = request.query.get(LABEL_PARAMETER, LABEL)
        taking = Taking(monitoring)
        for path, reports in taking.by_service(webhook.alerts, label).items():
            await taking.take(path, reports)
        return web.json_response(taking.outcome())

    return [
        By(with_key(Scope.HEALTH), web.post(REPORT_PATH, report)),
        By(with_key(Scope.HEALTH), web.post(ALERTS_PATH, alerts)),
    ]


@dataclass(frozen=True, slots=True)
class Taking:
    """Takes alerts, each by itself: one that is refused keeps no other from its ticket.

    Attributes:
        taken: what became of each service.
        refused: why which alerts were not recorded.

    """

    monitoring: Monitoring
    taken: list[Fields] = field(default_factory=list)
    refused: list[tuple[Fields, InterlockError]] = field(default_factory=list)

    def by_service(self, alerts: Sequence[Alert], label: str) -> dict[str, list[HealthReport]]:
        """Return what alerts report, by the path of the service."""
        reports: dict[str, list[HealthReport]] = {}
        for alert in alerts:
            try:
                report = alert.report(label)
            except InvalidInput as error:
                self.refuse(alert.source, alert.labels.get(label), error)
            else:
                reports.setdefault(report.path, []).append(report)
        return reports

    async def take(self, path: str, reports: Sequence[HealthReport]) -> None:
        """Take what is reported of one service."""
        try:
            self.taken.append(fields_of(await self.monitoring.take(path, reports)))
        except NotFound as error:
            for report in reports:
                self.refuse(report.source, path, error)

    def refuse(self, source: str, path: str | None, error: InterlockError) -> None:
        """Note that an alert was not recorded."""
        self.refused.append(({"source": source, "service": path, "detail": error.message}, error))

    def outcome(self) -> Fields:
        """Return what became of all alerts.

        Raises:
            InvalidInput, NotFound: some were refused, the first of them for this. Alertmanager
                counts that as failed and does not send them again, for they would fare no better.

        """
        refused = [fields for fields, _ in self.refused]
        if self.refused:
            _, first = self.refused[0]
            message = f"Not every alert could be recorded ({len(refused)} not): {first.message}"
            raise type(first)(message, services=self.taken, refused=refused)
        return {"services": self.taken, "refused": refused}


def fields_of(answer: Answer) -> Fields:
    """Return what is answered of one service: always the same keys."""
    health, hindrance = answer.health, answer.hindrance
    return {
        "service": health.service,
        "status": health.status,
        "since": to_the_second(health.since),
        "reportedAt": to_the_second(health.reported_at),
        "message": health.message,
        "outcome": OUTCOMES[answer.response],
        "ticket": answer.ticket,
        "reason": hindrance,
        "detail": None if hindrance is None else REASONS[hindrance],
    }
