"""The models of uptime targets, the status page and planned maintenance in the section."""

from typing import Annotated, Final

from pydantic import Field

from engine import limits
from engine.declaration.fields import (
    Declared,
    DeclaredTime,
    DisplayName,
    Group,
    HexColor,
    LogoUrl,
    Name,
    PublicLine,
    ServicePath,
)
from engine.declaration.sla_models import ALWAYS

DEFAULT_ACCENT: Final = "#1b6a57"


class GroupTarget(Declared):
    """The uptime target of a group. The status page shows exactly the groups that have one."""

    sla_group: Group
    """The group: the `slaGroup` of at least one service."""
    display_name: DisplayName
    """The name of the group on the status page. It is public."""
    uptime_target: Annotated[float, Field(gt=0, le=100)]
    """The least uptime in percent, such as 99.9."""
    calendar: Name = ALWAYS
    """The name of the calendar whose time counts; with `always`, all time counts."""


class GroupTargets(Declared):
    """`ticketing.slaTargets` as a separate resource."""

    targets: Annotated[tuple[GroupTarget, ...], Field(strict=False)] = ()


class StatusPage(Declared):
    """The public status page."""

    enabled: bool = False
    """Whether servers show the page. It needs no sign-in, and is off by default."""
    company_name: DisplayName = "Service status"
    """The name of your organization, in the heading of the page."""
    logo_url: LogoUrl = ""
    """The https URL of your logo, next to the name; empty for none. Browsers load it from there."""
    accent_color: HexColor = DEFAULT_ACCENT
    """The background of the heading, such as #1b6a57. White text on it needs enough contrast."""


class PlannedMaintenance(Declared):
    """A maintenance window: a time of planned work, in which outages open no tickets."""

    name: Name
    """The unique name."""
    start: DeclaredTime
    """When the work starts, such as 2026-05-01T22:00+02:00."""
    end: DeclaredTime
    """When the work ends."""
    groups: Annotated[tuple[Group, ...], Field(strict=False, max_length=limits.WINDOW_SCOPES)] = ()
    """The groups whose services are affected."""
    services: Annotated[
        tuple[ServicePath, ...], Field(strict=False, max_length=limits.WINDOW_SCOPES)
    ] = ()
    """The paths of single services that are affected."""
    text: PublicLine
    """What is done, for the readers of the status page. It is public."""


class MaintenancePlan(Declared):
    """`ticketing.maintenance` as a separate resource."""

    windows: Annotated[tuple[PlannedMaintenance, ...], Field(strict=False)] = ()
