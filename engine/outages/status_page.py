"""The content of the public status page, from what is recorded. Pure.

`StatusContent` and its parts are everything that any form of the page can show. They have no field
for an id of a ticket, a user, a path of a service, or a text that was not written for the public.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from engine import limits
from engine.declaration.status_page_models import GroupTarget, StatusPage
from engine.outages.health_intervals import (
    HealthInterval,
    TimeSpan,
    group_intervals,
    group_status,
    with_maintenance,
)
from engine.outages.maintenance import MaintenanceWindow, WindowState
from engine.outages.uptime import Uptime, UptimeTarget, uptime
from engine.tickets.publications import Publication, PublicUpdate
from engine.vocabulary import ServiceStatus

_DAY: Final = timedelta(days=1)
_NO_TIME: Final = timedelta(0)
_NOT_IN_SLUGS: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """What is recorded about a public group.

    Attributes:
        services: the past and current statuses of each of its services, by path.

    """

    declared: GroupTarget
    target: UptimeTarget
    services: Mapping[str, Sequence[HealthInterval]]


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """An outage, or a ticket about which a text is published.

    Attributes:
        group: the group that is affected.
        publication: None if no text is published, or it was withdrawn.

    """

    group: str
    since: datetime
    resolved_at: datetime | None
    publication: Publication | None


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """What the page is made of.

    Attributes:
        now: the time of the database at which everything was read.
        windows: those that have not ended, and recent ones.

    """

    now: datetime
    page: StatusPage
    groups: Sequence[GroupFacts]
    incidents: Sequence[IncidentFacts]
    windows: Sequence[MaintenanceWindow]


@dataclass(frozen=True, slots=True)
class PublicDay:
    """One day of a group, in UTC.

    Attributes:
        status: the worst of the day: DOWN, DEGRADED, MAINTENANCE, OPERATIONAL, or UNKNOWN.
        down: how long the group was DOWN.

    """

    day: date
    status: ServiceStatus
    down: timedelta


@dataclass(frozen=True, slots=True)
class PublicGroup:
    """A group on the page.

    Attributes:
        slug: names the group in addresses; derived from its public name.
        uptime: in percent over all days; None if nothing was measured.
        target: in percent.
        budget: how much downtime the target allows in the current month.
        remaining: what is left of it; negative if it is exceeded.
        days: the last 90 days, the oldest first.

    """

    name: str
    slug: str
    status: ServiceStatus
    uptime: float | None
    target: float
    budget: timedelta
    remaining: timedelta
    days: tuple[PublicDay, ...]

    @property
    def meets_target(self) -> bool:
        """Whether the uptime is at least the target, as far as it was measured."""
        return self.uptime is None or self.uptime >= self.target


@dataclass(frozen=True, slots=True)
class PublicIncident:
    """An incident on the page.

    Attributes:
        group: the public name of the group.
        title: what was published, or that the group is affected.
        updates: the latest first.

    """

    group: str
    title: str
    impact: str
    since: datetime
    resolved_at: datetime | None
    updates: tuple[PublicUpdate, ...]


@dataclass(frozen=True, slots=True)
class PublicWindow:
    """A maintenance window on the page."""

    groups: tuple[str, ...]
    text: str
    start: datetime
    end: datetime
    state: WindowState


@dataclass(frozen=True, slots=True)
class StatusContent:
    """Everything that the page shows.

    Attributes:
        company: the name in the heading.
        as_of: when the facts were read.
        incidents: open ones first, then recent ones, each the latest first.
        windows: active ones first, then upcoming ones, each the earliest first.

    """

    company: str
    logo_url: str
    accent: str
    as_of: datetime
    groups: tuple[PublicGroup, ...]
    incidents: tuple[PublicIncident, ...]
    windows: tuple[PublicWindow, ...]

    @property
    def status(self) -> ServiceStatus:
        """The status of all groups together; UNKNOWN without groups."""
        return group_status(each.status for each in self.groups)


def first_day(now: datetime) -> datetime:
    """Return the start of the first day that the page shows."""
    return _midnight(now) - (limits.STATUS_PAGE_DAYS - 1) * _DAY


def status_content(facts: StatusFacts) -> StatusContent:
    """Return the content of the page."""
    declared = sorted((each.declared for each in facts.groups), key=_by_name)
    names = {each.sla_group: each.display_name for each in declared}
    slugs = dict(zip(names, unique_slugs(names.values()), strict=True))
    groups = (_group(each, facts, slugs[each.declared.sla_group]) for each in facts.groups)
    services = {path: each.declared.sla_group for each in facts.groups for path in each.services}
    return StatusContent(
        company=facts.page.company_name,
        logo_url=facts.page.logo_url,
        accent=facts.page.accent_color,
        as_of=facts.now,
        groups=tuple(sorted(groups, key=lambda each: (each.name.casefold(), each.slug))),
        incidents=tuple(_incidents(facts, names)),
        windows=tuple(_windows(facts, names, services)),
    )


def _by_name(target: GroupTarget) -> tuple[str, str]:
    return target.display_name.casefold(), target.sla_group


def unique_slugs(names: Iterable[str]) -> Iterator[str]:
    """Yield a different part of an address for each name, made of its letters and digits."""
    counts = defaultdict[str, int](int)
    for name in names:
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
        slug = _NOT_IN_SLUGS.sub("-", plain).strip("-") or "group"
        counts[slug] += 1
        yield slug if counts[slug] == 1 else f"{slug}-{counts[slug]}"


def _group(facts: GroupFacts, page: StatusFacts, slug: str) -> PublicGroup:
    group, now = facts.declared, page.now
    services = [
        with_maintenance(
            intervals,
            (
                each
                for each in page.windows
                if each.end > now and each.affects(path, group.sla_group)
            ),
        )
        for path, intervals in facts.services.items()
    ]
    intervals = group_intervals(services)
    period = TimeSpan(first_day(now), now)
    month = uptime(intervals, _month(now), facts.target)
    overall = uptime(intervals, period, facts.target)
    return PublicGroup(
        name=group.display_name,
        slug=slug,
        status=_status_at(intervals, now),
        uptime=overall.percent,
        target=group.uptime_target,
        budget=month.budget or _NO_TIME,
        remaining=month.remaining or _NO_TIME,
        days=tuple(_days(overall)),
    )


def _status_at(intervals: Sequence[HealthInterval], now: datetime) -> ServiceStatus:
    """Return the status at a time, at which the recorded ones end and windows can continue."""
    current = (each.status for each in reversed(intervals) if each.start <= now <= each.end)
    return next(current, ServiceStatus.UNKNOWN)


def _days(overall: Uptime) -> Iterator[PublicDay]:
    """Yield the days of a period."""
    found = defaultdict[date, set[ServiceStatus]](set)
    down = defaultdict[date, timedelta](timedelta)
    for each in overall.counted:
        start, end = each.interval.start, each.interval.end
        while start < end:
            until = min(end, _midnight(start) + _DAY)
            day = start.astimezone(UTC).date()
            found[day].add(each.interval.status)
            if each.interval.status is ServiceStatus.DOWN:
                part = uptime([each.interval], TimeSpan(start, until), overall.target)
                down[day] += part.down
            start = until
    for number in range(limits.STATUS_PAGE_DAYS):
        day = (overall.period.start + number * _DAY).astimezone(UTC).date()
        yield PublicDay(day, group_status(found[day]), down[day])


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _month(now: datetime) -> TimeSpan:
    """Return the current month in UTC."""
    start = _midnight(now).replace(day=1)
    return TimeSpan(start, (start + 32 * _DAY).replace(day=1))


def _incidents(facts: StatusFacts, names: Mapping[str, str]) -> Iterator[PublicIncident]:
    public = [each for each in facts.incidents if each.group in names]
    latest_first = sorted(public, key=lambda each: each.since, reverse=True)
    for each in sorted(latest_first, key=lambda incident: incident.resolved_at is not None):
        name, published = names[each.group], each.publication
        yield PublicIncident(
            group=name,
            title=published.text.title if published else f"{name} is affected",
            impact=published.text.impact if published else "",
            since=each.since,
            resolved_at=each.resolved_at,
            updates=published.updates if published else (),
        )


def _windows(
    facts: StatusFacts, names: Mapping[str, str], services: Mapping[str, str]
) -> Iterator[PublicWindow]:
    """Yield the windows that affect public groups."""
    now = facts.now
    current = [each for each in facts.windows if each.state_at(now) is not WindowState.PAST]
    for each in sorted(current, key=lambda window: (window.start, window.id)):
        groups = {*each.groups, *(services[path] for path in each.services if path in services)}
        public = tuple(sorted(names[group] for group in groups if group in names))
        if public:
            yield PublicWindow(public, each.text, each.start, each.end, each.state_at(now))
