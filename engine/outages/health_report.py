"""The health report of a monitoring system, as validated input."""

from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

from engine import limits
from engine.tickets.commands import (
    LINE_SCHEMA,
    TEXT_SCHEMA,
    InputModel,
    ServicePath,
    check_printable,
    check_single_line,
)
from engine.vocabulary import ServiceStatus

_DEFAULT_SOURCE: Final = "report"

HealthMessage = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=limits.HEALTH_MESSAGE_CHARACTERS, strict=True
    ),
    AfterValidator(check_printable),
    TEXT_SCHEMA,
]
HealthSource = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=limits.HEALTH_SOURCE_CHARACTERS,
        strict=True,
    ),
    AfterValidator(check_printable),
    AfterValidator(check_single_line),
    LINE_SCHEMA,
]


class HealthReport(InputModel):
    """The status of one service, as one source reports it."""

    path: ServicePath
    """The path of the service, as declared."""
    status: ServiceStatus
    """The reported status."""
    message: HealthMessage = ""
    """A description of the problem, for users."""
    source: HealthSource = _DEFAULT_SOURCE
    """The system that reports. The status of a service is the most severe status of its sources, so
    only the source that reported a problem can end it, by reporting OPERATIONAL."""
