"""The health report of a monitoring system, as validated input."""

from typing import Annotated

from pydantic import AfterValidator

from engine import limits
from engine.tickets.commands import (
    LINE_SCHEMA,
    TEXT_SCHEMA,
    InputModel,
    ServicePath,
    check_name,
    check_printable,
    text_length,
)
from engine.vocabulary import ServiceStatus


class HealthReport(InputModel):
    """The status of one service, as one source reports it."""

    path: ServicePath
    """The path of the service, as declared."""
    status: ServiceStatus
    """The reported status."""
    message: Annotated[
        str,
        text_length(limits.HEALTH_MESSAGE_CHARACTERS, least=None, strip=True),
        AfterValidator(check_printable),
        TEXT_SCHEMA,
    ] = ""
    """A description of the problem, for users."""
    source: Annotated[
        str,
        text_length(limits.HEALTH_SOURCE_CHARACTERS, strip=True),
        AfterValidator(check_name),
        LINE_SCHEMA,
    ] = "report"
    """The system that reports. The status of a service is the most severe status of its sources, so
    only the source that reported a problem can end it, by reporting OPERATIONAL."""
