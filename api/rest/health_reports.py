"""What monitoring reports, for machines: `/api/v1/health/report`, and Alertmanager's webhook."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

from aiohttp import web

from api.auth.api_keys import Scope
from api.http.access import ApiKeyAccess, ProtectedRoute
from api.http.body import JSON
from api.rest.alertmanager import Alert, Webhook
from api.rest.openapi.operation import (
    JsonBody,
    Moment,
    Operation,
    Parameter,
    Place,
    Response,
    ResponseModel,
)
from api.runtime.health_reports import HealthReports
from engine.errors import InterlockError, InvalidInput, NotFound
from engine.outages.health_report import HealthReport
from engine.outages.policy import OutageAction, WaitReason
from engine.storage.outages.reconcile_tickets import OutageResult
from engine.vocabulary import ServiceStatus

REPORT_PATH: Final = "/api/v1/health/report"
ALERTS_PATH: Final = "/api/v1/alerts/alertmanager"
LABEL_PARAMETER: Final = "label"
"""Names, in the address of the webhook, the label that names the service."""
LABEL: Final = "service"


class Outcome(StrEnum):
    """What was done about a service."""

    UNCHANGED = "unchanged"
    WAITING = "waiting"
    OPENED = "opened"
    REOPENED = "reopened"
    CLOSED = "closed"
    COMMENTED = "commented"


OUTCOMES: Final = {
    OutageAction.NOTHING: Outcome.UNCHANGED,
    OutageAction.WAIT: Outcome.WAITING,
    OutageAction.OPEN: Outcome.OPENED,
    OutageAction.REOPEN: Outcome.REOPENED,
    OutageAction.CLOSE: Outcome.CLOSED,
    OutageAction.COMMENT: Outcome.COMMENTED,
}
REASONS: Final = {
    WaitReason.PLUGIN_DISABLED: "Ticketing is off; it is acted on when ticketing is on again.",
    WaitReason.SERVICE_RETIRED: "The service is declared no more, so it opens no tickets.",
    WaitReason.AUTO_TICKET_OFF: "The service opens no tickets: autoTicket is false.",
    WaitReason.HOLD_DOWN: "A ticket is opened once it has been DOWN for as long as holdDown says.",
    WaitReason.WORKFLOW_UNKNOWN: "The service's workflow is not declared; a ticket is opened once"
    " it is.",
    WaitReason.WORKFLOW_RETIRED: "The workflow is retired; it is acted on once the workflow is"
    " declared again.",
}

REPORT: Final = JsonBody(HealthReport)
WEBHOOK: Final = JsonBody(Webhook)
NAMED_LABEL: Final = Parameter(
    LABEL_PARAMETER,
    Place.QUERY,
    f"The label that holds the path of an alert's service; `{LABEL}` if it is left out.",
    {"type": "string", "default": LABEL},
    example="app",
)


class ServiceResponse(ResponseModel):
    """What became of one service."""

    service: str
    """Its path."""
    status: ServiceStatus
    """How it is doing: what the gravest of its sources says."""
    since: Moment
    """Since when."""
    reported_at: Moment
    """When something was last reported of it."""
    message: str
    """What is wrong, for people."""
    outcome: Outcome
    """What was done."""
    ticket: str | None
    """The id of the ticket that was written to, or else of the live one, if there is one."""
    reason: WaitReason | None
    """What it waits for; null if for nothing."""
    detail: str | None
    """The same for people."""

    @classmethod
    def of(cls, answer: OutageResult) -> Self:
        """Return what is told of an answer."""
        health, hindrance = answer.health, answer.wait_reason
        return cls(
            service=health.service,
            status=health.status,
            since=health.since,
            reported_at=health.reported_at,
            message=health.message,
            outcome=OUTCOMES[answer.action],
            ticket=answer.ticket,
            reason=hindrance,
            detail=None if hindrance is None else REASONS[hindrance],
        )


class RejectedAlert(ResponseModel):
    """An alert that was not recorded."""

    source: str
    """What it is called among the sources of a service."""
    service: str | None
    """The path that it has, if it has one."""
    detail: str
    """Why it was not."""


class AlertsResponse(ResponseModel):
    """What became of all alerts."""

    services: tuple[ServiceResponse, ...]
    """What became of each service."""
    refused: tuple[RejectedAlert, ...]
    """Which alerts were not recorded: none, or this is a problem."""


def health_report_routes(monitoring: HealthReports) -> list[ProtectedRoute]:
    """Return the routes."""

    async def report(request: web.Request) -> web.Response:
        said = await REPORT.read(request)
        told = ServiceResponse.of(await monitoring.record(said.path, [said]))
        return web.Response(text=told.model_dump_json(), content_type=JSON)

    async def alerts(request: web.Request) -> web.Response:
        webhook = await WEBHOOK.read(request)
        label = request.query.get(LABEL_PARAMETER, LABEL)
        taking = Taking(monitoring)
        for path, reports in taking.by_service(webhook.alerts, label).items():
            await taking.take(path, reports)
        return web.Response(text=taking.outcome().model_dump_json(), content_type=JSON)

    reporting = Operation(
        web.post(REPORT_PATH, report),
        name="reportHealth",
        summary="Report how a service is doing",
        body=REPORT,
        answers=(Response("What was done about the service.", ServiceResponse),),
        refusals=(NotFound,),
    )
    alerting = Operation(
        web.post(ALERTS_PATH, alerts),
        name="reportAlerts",
        summary="Report by the webhook of Prometheus Alertmanager how services are doing",
        body=WEBHOOK,
        parameters=(NAMED_LABEL,),
        answers=(Response("What was done about each service.", AlertsResponse),),
        refusals=(NotFound,),
    )
    return [ProtectedRoute(ApiKeyAccess(Scope.HEALTH), each) for each in (reporting, alerting)]


@dataclass(frozen=True, slots=True)
class Taking:
    """Takes alerts, each by itself: one that is refused keeps no other from its ticket.

    Attributes:
        taken: what became of each service.
        refused: why which alerts were not recorded.

    """

    monitoring: HealthReports
    taken: list[ServiceResponse] = field(default_factory=list)
    refused: list[tuple[RejectedAlert, InterlockError]] = field(default_factory=list)

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
            self.taken.append(ServiceResponse.of(await self.monitoring.record(path, reports)))
        except NotFound as error:
            for report in reports:
                self.refuse(report.source, path, error)

    def refuse(self, source: str, path: str | None, error: InterlockError) -> None:
        """Note that an alert was not recorded."""
        refused = RejectedAlert(source=source, service=path, detail=error.message)
        self.refused.append((refused, error))

    def outcome(self) -> AlertsResponse:
        """Return what became of all alerts.

        Raises:
            InvalidInput, NotFound: some were refused, the first of them for this. Alertmanager
                counts that as failed and does not send them again, for they would fare no better.

        """
        refused = tuple(each for each, _ in self.refused)
        told = AlertsResponse(services=tuple(self.taken), refused=refused)
        if self.refused:
            _, first = self.refused[0]
            message = f"Not every alert could be recorded ({len(refused)} not): {first.message}"
            raise type(first)(message, **told.model_dump(mode="json"))
        return told
