"""What monitoring reports: how a service is doing, by whom, checked before anything happens."""

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

DIRECT: Final = "report"
"""The source of a report that names none."""

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
    """One source says how one service is doing."""

    path: ServicePath
    """The service, as it is declared."""
    status: ServiceStatus
    """How it is doing."""
    message: HealthMessage = ""
    """What is wrong, for people."""
    source: HealthSource = DIRECT
    """Who says so. A service is what the gravest of its sources says, so each must take back itself
    what it said, by OPERATIONAL."""
