"""Records the alerts of one webhook request of Alertmanager, also if some of them are refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Final

import structlog
from prometheus_client import Counter
from pydantic import Field

from api import limits
from api.rest.alertmanager import Alert, AlertGroup
from api.rest.models import ResponseModel, validated
from api.rest.service_response import ServiceResponse
from api.runtime.health_reports import HealthReports
from engine.errors import (
    InterlockError,
    InvalidInput,
    NotFound,
    Overloaded,
    TooManyRequests,
    Unavailable,
)
from engine.outages.health_report import HealthReport

log: Final = structlog.get_logger(component="health_reports")


class AlertRefusal(StrEnum):
    """Why an alert was not recorded."""

    MALFORMED_ALERT = "malformed_alert"
    LABEL_MISSING = "label_missing"
    INVALID_PATH = "invalid_path"
    UNKNOWN_SERVICE = "unknown_service"


class RefusedAlert(ResponseModel):
    """An alert that was not recorded."""

    index: Annotated[int, Field(ge=0)]
    """The place of the alert in `alerts`, from 0."""
    source: str | None
    """The source that the alert would be; null if the alert is malformed."""
    service: str | None
    """The path of the service in the alert, if any."""
    reason: AlertRefusal
    """Why the alert was not recorded."""
    detail: str
    """The reason, human-readable."""


class AlertsResponse(ResponseModel):
    """What Interlock did after the alerts of one request."""

    services: tuple[ServiceResponse, ...]
    """The services that the recorded alerts report."""
    refused: tuple[RefusedAlert, ...]
    """The first 100 refused alerts; empty unless this is an error."""
    truncated_alerts: Annotated[int, Field(ge=0)]
    """How many alerts of the group Alertmanager left out."""


@dataclass(frozen=True, slots=True)
class _ReadAlerts:
    """The alerts of one request.

    Attributes:
        label: the label that has the path of the service.
        reports: the health reports of each service, by the index of the alert.
        refused: the alerts that cannot be recorded, by their index, each with the error.

    """

    label: str
    reports: dict[str, dict[int, HealthReport]] = field(default_factory=dict)
    refused: dict[int, tuple[RefusedAlert, InterlockError]] = field(default_factory=dict)

    def add(self, index: int, value: object) -> None:
        """Add what should be an alert."""
        try:
            alert = validated(Alert, value, ("alerts", index))
        except InvalidInput as error:
            self.refuse(index, AlertRefusal.MALFORMED_ALERT, error)
            return
        path = alert.labels.get(self.label)
        if path is None:
            message = f"The alert has no label {self.label}, which must name its service."
            missing = InvalidInput(message)
            self.refuse(index, AlertRefusal.LABEL_MISSING, missing, alert.source)
            return
        try:
            report = alert.report(path)
        except InvalidInput as error:
            self.refuse(index, AlertRefusal.INVALID_PATH, error, alert.source, path)
        else:
            self.reports.setdefault(path, {})[index] = report

    def refuse(
        self,
        index: int,
        reason: AlertRefusal,
        error: InterlockError,
        source: str | None = None,
        service: str | None = None,
    ) -> None:
        """Add an alert that cannot be recorded."""
        refused = RefusedAlert(
            index=index, source=source, service=service, reason=reason, detail=error.message
        )
        self.refused[index] = refused, error


class AlertReports:
    """Records alerts, and counts those that are missing.

    Args:
        health_reports: records the health reports that follow from the alerts.

    """

    def __init__(self, health_reports: HealthReports) -> None:
        self.health_reports = health_reports
        self._refused = Counter(
            "interlock_alerts_refused",
            "Alerts of Alertmanager that were not recorded.",
            ["reason"],
            registry=None,
        )
        self._truncated = Counter(
            "interlock_alerts_truncated",
            "Alerts that Alertmanager left out of its requests.",
            registry=None,
        )
        self.collectors = (self._refused, self._truncated)

    async def record(self, group: AlertGroup, label: str, key: str) -> AlertsResponse:
        """Record every valid alert of a group.

        Args:
            group: the alerts.
            label: the label that has the path of the service.
            key: the name of the API key of the request.

        Raises:
            InvalidInput, NotFound: some alerts were refused, the first of them for this reason.
                Alertmanager counts the request as failed and does not repeat it.
            Unavailable: some services could not be handled. Alertmanager repeats the request.

        """
        alerts = _ReadAlerts(label)
        for index, value in enumerate(group.alerts):
            alerts.add(index, value)
        services = await self._record_services(alerts, key)
        refused = [alerts.refused[index] for index in sorted(alerts.refused)]
        self._observe(group.truncated_alerts, [each for each, _ in refused])
        response = AlertsResponse(
            services=services,
            refused=tuple(each for each, _ in refused[: limits.REFUSED_ALERTS]),
            truncated_alerts=group.truncated_alerts,
        )
        if not refused:
            return response
        _, first = refused[0]
        message = f"{len(refused)} of {len(group.alerts)} alerts were refused: {first.message}"
        raise type(first)(message, **response.model_dump(mode="json"))

    async def _record_services(self, alerts: _ReadAlerts, key: str) -> tuple[ServiceResponse, ...]:
        """Record the reports of each service, also if another service cannot be handled."""
        services: list[ServiceResponse] = []
        failures: list[Unavailable] = []
        for path, reports in alerts.reports.items():
            try:
                result = await self.health_reports.record(path, list(reports.values()), key)
                services.append(ServiceResponse.of(result))
            except NotFound as error:
                for index, report in reports.items():
                    unknown = AlertRefusal.UNKNOWN_SERVICE
                    alerts.refuse(index, unknown, error, report.source, path)
            except Unavailable as error:
                failures.append(error)
            except TooManyRequests as error:  # Alertmanager repeats a request only after 5xx
                failures.append(Overloaded(error.message))
        if failures:
            raise failures[0]
        return tuple(services)

    def _observe(self, truncated: int, refused: Sequence[RefusedAlert]) -> None:
        """Count and log the alerts that are missing."""
        for each in refused:
            self._refused.labels(each.reason).inc()
        if refused:
            log.warning("alerts refused", alerts=len(refused), first=refused[0].detail)
        if truncated:
            self._truncated.inc(truncated)
            log.warning("alerts truncated", alerts=truncated)
