"""`GET /api/v1/status`: the content of the public status page. It needs no credentials."""

from datetime import date
from typing import Final, Self

from aiohttp import web

from api.http.access import ProtectedRoute, allow_anyone
from api.http.body import JSON
from api.http.shared_document import SharedDocument
from api.rest.models import ResponseModel, Timestamp
from api.runtime.status_page import StatusPageState
from engine.outages.maintenance import WindowState
from engine.outages.status_page import PublicDay, PublicGroup, StatusContent
from engine.vocabulary import ServiceStatus

_PATH: Final = "/api/v1/status"


class StatusDay(ResponseModel):
    """One day of a group, in UTC."""

    day: date
    """The date."""
    status: ServiceStatus
    """The worst status of the day."""
    down_seconds: int
    """How long the group was DOWN."""

    @classmethod
    def of(cls, day: PublicDay) -> Self:
        """Return the response for a day."""
        return cls(day=day.day, status=day.status, down_seconds=round(day.down.total_seconds()))


class StatusGroup(ResponseModel):
    """A group on the status page."""

    name: str
    """The public name."""
    slug: str
    """Names the group in the address of its badge."""
    status: ServiceStatus
    """The current status."""
    uptime: float | None
    """The uptime over all `days` in percent, rounded down; null if nothing was measured."""
    uptime_target: float
    """The target in percent."""
    budget_seconds: int
    """How much downtime the target allows in the current month."""
    remaining_seconds: int
    """What is left of the budget; negative if it is exceeded."""
    days: tuple[StatusDay, ...]
    """The last 90 days, the oldest first."""

    @classmethod
    def of(cls, group: PublicGroup) -> Self:
        """Return the response for a group."""
        return cls(
            name=group.name,
            slug=group.slug,
            status=group.status,
            uptime=group.uptime,
            uptime_target=group.target,
            budget_seconds=round(group.budget.total_seconds()),
            remaining_seconds=round(group.remaining.total_seconds()),
            days=tuple(map(StatusDay.of, group.days)),
        )


class StatusUpdate(ResponseModel):
    """An update of an incident."""

    at: Timestamp
    """When it was published."""
    text: str
    """What is new."""


class StatusIncident(ResponseModel):
    """An incident on the status page."""

    group: str
    """The public name of the affected group."""
    title: str
    """What fails, or that the group is affected."""
    impact: str
    """What that means for readers; may be empty."""
    since: Timestamp
    """When it began."""
    resolved_at: Timestamp | None
    """When it was resolved; null if it is open."""
    updates: tuple[StatusUpdate, ...]
    """The updates, the latest first."""


class StatusWindow(ResponseModel):
    """A maintenance window on the status page."""

    groups: tuple[str, ...]
    """The public names of the affected groups."""
    text: str
    """What is done."""
    start: Timestamp
    """When the work starts."""
    end: Timestamp
    """When the work ends."""
    state: WindowState
    """Where the window is in time."""


class StatusResponse(ResponseModel):
    """The content of the public status page."""

    company: str
    """The name in the heading."""
    status: ServiceStatus
    """The status of all groups together."""
    as_of: Timestamp
    """When the content was read, to the minute."""
    is_stale: bool
    """Whether newer content is not available now."""
    groups: tuple[StatusGroup, ...]
    """The groups, by name."""
    incidents: tuple[StatusIncident, ...]
    """Open incidents first, then recent ones."""
    windows: tuple[StatusWindow, ...]
    """Active maintenance windows first, then upcoming ones."""

    @classmethod
    def of(cls, content: StatusContent, *, is_stale: bool) -> Self:
        """Return the response for a content."""
        return cls(
            company=content.company,
            status=content.status,
            as_of=content.as_of.replace(second=0, microsecond=0),
            is_stale=is_stale,
            groups=tuple(map(StatusGroup.of, content.groups)),
            incidents=tuple(map(StatusIncident.model_validate, content.incidents)),
            windows=tuple(map(StatusWindow.model_validate, content.windows)),
        )


class _StatusHandler:
    """Renders the response once for all readers of a content."""

    def __init__(self, state: StatusPageState) -> None:
        self._state = state
        self._of: StatusContent | None = None
        self._document: SharedDocument | None = None
        self._is_stale = False

    async def read(self, request: web.Request) -> web.Response:
        """Respond with the content."""
        content, is_stale = self._state.content, self._state.is_stale
        document = self._document
        if document is None or self._of is not content or self._is_stale != is_stale:
            text = StatusResponse.of(content, is_stale=is_stale).model_dump_json()
            document = self._document = SharedDocument.of(text, JSON, is_stale=is_stale)
            self._of, self._is_stale = content, is_stale
        return document.respond(request)


def status_route(state: StatusPageState) -> ProtectedRoute:
    """Return the route."""
    return ProtectedRoute(allow_anyone, web.get(_PATH, _StatusHandler(state).read))
