"""The webhook of Prometheus Alertmanager, version 4: each alert is a source that reports a service.

Its form stands in Alertmanager's documentation under `webhook_config`; new fields are passed over.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from engine.errors import InvalidInput
from engine.limits import HEALTH_MESSAGE_CHARACTERS
from engine.outages.health_report import HealthReport
from engine.tickets.commands import CONTROL_CHARACTERS
from engine.vocabulary import ServiceStatus

SOURCE: Final = "alertmanager/{fingerprint}"
WORDS: Final = ("summary", "description", "message")
"""The annotations that say what is wrong, the first that there is."""


class AlertStatus(StrEnum):
    """How an alert stands."""

    FIRING = "firing"
    RESOLVED = "resolved"


MEANING: Final = {
    AlertStatus.FIRING: ServiceStatus.DOWN,
    AlertStatus.RESOLVED: ServiceStatus.OPERATIONAL,
}


class Sent(BaseModel):
    """The base of what Alertmanager sends: whatever it says more is passed over."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Alert(Sent):
    """One alert."""

    status: AlertStatus
    """Whether it fires."""
    labels: dict[str, str]
    """One of them holds the path of the service."""
    annotations: dict[str, str] = {}
    """What is wrong, for people: `summary`, `description` or `message`."""
    fingerprint: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
    """The same for the same labels, firing or resolved."""

    def report(self, label: str) -> HealthReport:
        """Return what the alert reports of the service that a label names.

        Raises:
            InvalidInput: it names none.

        """
        if label not in self.labels:
            raise InvalidInput(f"The alert has no label {label}, which would name its service.")
        return HealthReport.parse(
            path=self.labels[label],
            status=MEANING[self.status],
            message=self.words,
            source=self.source,
        )

    @property
    def source(self) -> str:
        """What the alert is called among the sources of a service."""
        return SOURCE.format(fingerprint=self.fingerprint)

    @property
    def words(self) -> str:
        """What the alert says, made fit to be stored."""
        said = (self.annotations.get(name, "") for name in WORDS)
        text = next(filter(None, said), self.labels.get("alertname", ""))
        return CONTROL_CHARACTERS.sub(" ", text)[:HEALTH_MESSAGE_CHARACTERS]


class Webhook(Sent):
    """What Alertmanager's webhook sends (version 4)."""

    version: Literal["4"]
    """Of the webhook's form."""
    alerts: tuple[Alert, ...]
    """Each says how one service is doing."""
