"""The webhook of Prometheus Alertmanager, version 4: each alert is a source that reports a service.

Its form stands in Alertmanager's documentation under `webhook_config`; new fields are passed over.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, StringConstraints, ValidationError

from engine.errors import InvalidInput
from engine.limits import HEALTH_MESSAGE_CHARACTERS
from engine.tickets.reports import HealthReport
from engine.tickets.requests import UNPRINTABLE
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


class Alert(BaseModel):
    """One alert.

    Attributes:
        fingerprint: the same for the same labels, firing or resolved.

    """

    status: AlertStatus
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    fingerprint: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,64}$")]

    def report(self, label: str) -> HealthReport:
        """Return what the alert reports of the service that a label names.

        Raises:
            InvalidInput: it names none.

        """
        if label not in self.labels:
            raise InvalidInput(f"The alert has no label {label}, which would name its service.")
        return HealthReport.checked(
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
        return UNPRINTABLE.sub(" ", text)[:HEALTH_MESSAGE_CHARACTERS]


class Webhook(BaseModel):
    """What Alertmanager sends."""

    version: Literal["4"]
    alerts: tuple[Alert, ...]

    @classmethod
    def read(cls, said: object) -> Self:
        """Return what a body says.

        Raises:
            InvalidInput: it is not of version 4; every complaint is told.

        """
        try:
            return cls.model_validate(said)
        except ValidationError as error:
            wrong = (
                f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()
            )
            message = "The body is not of version 4 of Alertmanager's webhook"
            raise InvalidInput(f"{message}: {'; '.join(wrong)}.") from None
