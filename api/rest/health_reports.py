"""`/api/v1/health/report` and the webhook of Alertmanager: health reports of monitoring systems."""

from enum import StrEnum
from typing import Final, Self

from aiohttp import web

from api.auth.api_keys import Scope
from api.http.access import ApiKeyAccess, ProtectedRoute
from api.http.body import JSON
from api.rest.alertmanager import Alert, AlertmanagerWebhook
from api.rest.models import ResponseModel, Timestamp, read_body
from api.runtime.health_reports import HealthReports
from engine.errors import InterlockError, InvalidInput, NotFound
from engine.outages.health_report import HealthReport
from engine.outages.policy import OutageAction, WaitReason
from engine.storage.outages.reconcile_tickets import OutageResult
from engine.vocabulary import ServiceStatus

_DEFAULT_LABEL: Final = "service"


class ReportOutcome(StrEnum):
    """What Interlock did after a health report."""

    UNCHANGED = "unchanged"
    WAITING = "waiting"
    OPENED = "opened"
    REOPENED = "reopened"
    CLOSED = "closed"
    COMMENTED = "commented"


_OUTCOMES: Final = {
    OutageAction.NOTHING: ReportOutcome.UNCHANGED,
    OutageAction.WAIT: ReportOutcome.WAITING,
    OutageAction.OPEN: ReportOutcome.OPENED,
    OutageAction.REOPEN: ReportOutcome.REOPENED,
    OutageAction.CLOSE: ReportOutcome.CLOSED,
    OutageAction.COMMENT: ReportOutcome.COMMENTED,
}
_DETAILS: Final = {
    WaitReason.PLUGIN_DISABLED: "Ticketing is off. Interlock acts when ticketing is on again.",
    WaitReason.SERVICE_RETIRED: "The service is no longer declared, so it opens no tickets.",
    WaitReason.AUTO_TICKET_OFF: "The service opens no tickets: autoTicket is false.",
    WaitReason.HOLD_DOWN: "Interlock opens a ticket when the service has been DOWN for holdDown.",
    WaitReason.WORKFLOW_UNKNOWN: "The workflow of the service is not declared. Interlock opens a"
    " ticket when it is.",
    WaitReason.WORKFLOW_RETIRED: "The workflow is retired. Interlock acts when it is declared"
    " again.",
}


class ServiceResponse(ResponseModel):
    """The status of a service, and what Interlock did."""

    service: str
    """The path of the service."""
    status: ServiceStatus
    """The most severe status that its sources report."""
    since: Timestamp
    """Since when the service has this status."""
    reported_at: Timestamp
    """When the last report came."""
    message: str
    """What is wrong, human-readable."""
    outcome: ReportOutcome
    """What Interlock did."""
    ticket: str | None
    """The id of the ticket that was changed, or else of the live ticket, if any."""
    reason: WaitReason | None
    """What Interlock waits for, if anything."""
    detail: str | None
    """The reason, human-readable."""

    @classmethod
    def of(cls, result: OutageResult) -> Self:
        """Return the response for the result of handling a service."""
        health, reason = result.health, result.wait_reason
        return cls(
            service=health.service,
            status=health.status,
            since=health.since,
            reported_at=health.reported_at,
            message=health.message,
            outcome=_OUTCOMES[result.action],
            ticket=result.ticket,
            reason=reason,
            detail=None if reason is None else _DETAILS[reason],
        )


class RejectedAlert(ResponseModel):
    """An alert that was not recorded."""

    source: str
    """The source that the alert would be."""
    service: str | None
    """The path of the service in the alert, if any."""
    detail: str
    """Why the alert was rejected."""


class AlertsResponse(ResponseModel):
    """What Interlock did after the alerts of one request."""

    services: tuple[ServiceResponse, ...]
    """The services that the recorded alerts report."""
    refused: tuple[RejectedAlert, ...]
    """The rejected alerts; empty unless this is an error."""


def health_report_routes(health_reports: HealthReports) -> list[ProtectedRoute]:
    """Return the routes."""

    async def report_health(request: web.Request) -> web.Response:
        report = await read_body(request, HealthReport)
        response = ServiceResponse.of(await health_reports.record(report.path, [report]))
        return web.Response(text=response.model_dump_json(), content_type=JSON)

    async def report_alerts(request: web.Request) -> web.Response:
        webhook = await read_body(request, AlertmanagerWebhook)
        label = request.query.get("label", _DEFAULT_LABEL)
        response = await _record_alerts(webhook.alerts, label, health_reports)
        return web.Response(text=response.model_dump_json(), content_type=JSON)

    access = ApiKeyAccess(Scope.HEALTH)
    return [
        ProtectedRoute(access, web.post("/api/v1/health/report", report_health)),
        ProtectedRoute(access, web.post("/api/v1/alerts/alertmanager", report_alerts)),
    ]


async def _record_alerts(
    alerts: tuple[Alert, ...], label: str, health_reports: HealthReports
) -> AlertsResponse:
    """Record every valid alert, also if others are rejected.

    Raises:
        InvalidInput, NotFound: some alerts were rejected, the first of them for this reason.
            Alertmanager counts the request as failed and does not retry it.

    """
    services: list[ServiceResponse] = []
    rejected: list[RejectedAlert] = []
    errors: list[InterlockError] = []

    def reject(source: str, path: str | None, error: InterlockError) -> None:
        rejected.append(RejectedAlert(source=source, service=path, detail=error.message))
        errors.append(error)

    reports: dict[str, list[HealthReport]] = {}
    for alert in alerts:
        try:
            report = alert.report(label)
        except InvalidInput as error:
            reject(alert.source, alert.labels.get(label), error)
        else:
            reports.setdefault(report.path, []).append(report)
    for path, of_service in reports.items():
        try:
            services.append(ServiceResponse.of(await health_reports.record(path, of_service)))
        except NotFound as error:
            for report in of_service:
                reject(report.source, path, error)
    response = AlertsResponse(services=tuple(services), refused=tuple(rejected))
    if errors:
        first = errors[0]
        message = f"{len(rejected)} of {len(alerts)} alerts were rejected: {first.message}"
        raise type(first)(message, **response.model_dump(mode="json"))
    return response
