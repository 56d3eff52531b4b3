"""The webhook of Prometheus Alertmanager, version 4: each alert is one source of health reports.

Alertmanager documents the format under `webhook_config`. Unknown fields are ignored. Each alert is
read separately, so that one that does not match the format does not affect the others.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from engine.limits import HEALTH_MESSAGE_CHARACTERS
from engine.outages.health_report import HealthReport
from engine.tickets.commands import CONTROL_CHARACTERS
from engine.vocabulary import ServiceStatus

_COUNT_MOST: Final = 2**53 - 1
"""The largest integer that every JSON reader represents exactly (RFC 8259, section 6)."""
_MESSAGE_ANNOTATIONS: Final = ("summary", "description", "message")
"""The first of them that an alert has becomes the message of the report."""


class AlertStatus(StrEnum):
    """The status of an alert."""

    FIRING = "firing"
    RESOLVED = "resolved"


_SERVICE_STATUSES: Final = {
    AlertStatus.FIRING: ServiceStatus.DOWN,
    AlertStatus.RESOLVED: ServiceStatus.OPERATIONAL,
}


class _AlertmanagerModel(BaseModel):
    """The base of what Alertmanager sends."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Alert(_AlertmanagerModel):
    """One alert."""

    status: AlertStatus
    """Whether the alert fires."""
    labels: dict[str, str]
    """One of them has the path of the service."""
    annotations: dict[str, str] = {}
    """What is wrong, human-readable: `summary`, `description` or `message`."""
    fingerprint: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
    """Identifies the labels; a firing alert and its resolution have the same fingerprint."""

    def report(self, path: str) -> HealthReport:
        """Return the health report for a service.

        Raises:
            InvalidInput: the path is not valid.

        """
        texts = (self.annotations.get(name) for name in _MESSAGE_ANNOTATIONS)
        message = next(filter(None, texts), self.labels.get("alertname", ""))
        return HealthReport.parse(
            path=path,
            status=_SERVICE_STATUSES[self.status],
            message=CONTROL_CHARACTERS.sub(" ", message)[:HEALTH_MESSAGE_CHARACTERS],
            source=self.source,
        )

    @property
    def source(self) -> str:
        """The source of the health report."""
        return f"alertmanager/{self.fingerprint}"


class AlertGroup(_AlertmanagerModel):
    """The body of a webhook request (version 4), whose alerts are not read yet."""

    version: Literal["4"]
    """The version of the format."""
    alerts: tuple[object, ...]
    """Each reports the status of one service."""
    truncated_alerts: Annotated[
        int, Field(alias="truncatedAlerts", ge=0, le=_COUNT_MOST, strict=True)
    ] = 0
    """How many alerts of the group are left out, because it has more than `max_alerts`."""


class AlertmanagerWebhook(AlertGroup):
    """The body of a webhook request (version 4)."""

    alerts: tuple[Alert, ...]
    """Each reports the status of one service."""
