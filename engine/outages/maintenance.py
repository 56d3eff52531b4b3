"""Maintenance windows: times of planned work, with the status MAINTENANCE. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import AfterValidator, AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from engine import limits
from engine.declaration.status_page_models import PlannedMaintenance
from engine.declaration.times import parse_time
from engine.errors import InvalidInput
from engine.outages.health_intervals import TimeSpan
from engine.tickets.commands import LINE_SCHEMA, InputModel, ServicePath, check_name, text_length

WINDOW_SOURCE: Final = "maintenance window"
"""The source of a status that a maintenance window sets."""


class WindowState(StrEnum):
    """Where a maintenance window is in time."""

    UPCOMING = "UPCOMING"
    ACTIVE = "ACTIVE"
    PAST = "PAST"


@dataclass(frozen=True, slots=True)
class MaintenanceWindow(TimeSpan):
    """A time of planned work.

    Attributes:
        id: of a declared one, its name.
        groups, services: what is affected: the services of these groups, and single services.
        text: for the readers of the status page.
        declared: whether values declare it; otherwise it was requested with an API key.
        cancelled_at: when it was cancelled; the window ends then.

    """

    id: str
    groups: tuple[str, ...]
    services: tuple[str, ...]
    text: str
    declared: bool = False
    cancelled_at: datetime | None = None

    def state_at(self, now: datetime) -> WindowState:
        """Return where the window is at a time; one that was cancelled early is past."""
        if self.end <= now or self.end <= self.start:
            return WindowState.PAST
        return WindowState.UPCOMING if now < self.start else WindowState.ACTIVE

    def affects(self, path: str, group: str) -> bool:
        """Return whether the window affects a service of a group."""
        return path in self.services or group in self.groups


def declared_window(declared: PlannedMaintenance, applied_at: datetime) -> MaintenanceWindow:
    """Return a declared window; it counts from when it was applied, so it changes no past."""
    start, end = parse_time(declared.start), parse_time(declared.end)
    return MaintenanceWindow(
        start=max(start, min(applied_at, end)),
        end=end,
        id=declared.name,
        groups=declared.groups,
        services=declared.services,
        text=declared.text,
        declared=True,
    )


def is_in_maintenance(windows: Iterable[TimeSpan], at: datetime) -> bool:
    """Return whether any of the windows is active at a time."""
    return any(each.start <= at < each.end for each in windows)


def last_boundary(windows: Iterable[TimeSpan], after: datetime, until: datetime) -> datetime | None:
    """Return the last start or end of a window in a time; None if nothing changes in it.

    Args:
        windows: those that affect a service.
        after: since when the service has its status.
        until: now; a boundary at this time counts.

    """
    edges = [edge for each in windows if each.start < each.end for edge in (each.start, each.end)]
    return max((each for each in edges if after <= each <= until), default=None)


_Group = Annotated[
    str, text_length(limits.GROUP_CHARACTERS, strip=True), AfterValidator(check_name), LINE_SCHEMA
]
_Text = Annotated[
    str,
    text_length(limits.PUBLIC_TEXT_CHARACTERS, strip=True),
    AfterValidator(check_name),
    LINE_SCHEMA,
]


class NewWindow(InputModel):
    """A maintenance window to schedule."""

    start: AwareDatetime
    """When the work starts; a time in the past means now."""
    end: AwareDatetime
    """When the work ends."""
    groups: Annotated[tuple[_Group, ...], Field(max_length=limits.WINDOW_SCOPES)] = ()
    """The groups whose services are affected."""
    services: Annotated[tuple[ServicePath, ...], Field(max_length=limits.WINDOW_SCOPES)] = ()
    """The paths of single services that are affected."""
    text: _Text
    """What is done, for the readers of the status page. It is public."""

    @model_validator(mode="after")
    def _check_scope(self) -> Self:
        if not self.groups and not self.services:
            raise PydanticCustomError("no_scope", "must name at least one group or service")
        if self.end <= self.start:
            raise PydanticCustomError("wrong_window", "must end after it starts")
        return self


def check_known(window: NewWindow, groups: Sequence[str], services: Sequence[str]) -> None:
    """Refuse a window that names a group or a service that is not declared.

    Args:
        window: the window.
        groups: those of its groups that are declared.
        services: those of its services that are declared.

    Raises:
        InvalidInput: it names others.

    """
    for noun, named, known in (
        ("group", window.groups, groups),
        ("service", window.services, services),
    ):
        if missing := sorted(set(named) - set(known)):
            raise InvalidInput(
                f"No declared {noun} is named {missing[0]!r}.", **{f"{noun}s": missing}
            )
