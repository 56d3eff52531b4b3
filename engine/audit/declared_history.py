"""What was declared at any time, and whether ticketing was on. Pure.

It follows from the reconciliations, the revisions and the plugin changes. Each of them takes effect
while no ticket can change, and records the time of the database. So each entry of a ticket is
clearly before or after it, unless the clock of the database has stepped back in between.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from engine.audit.versions import CLOCK_STEP_MAX, NEVER, DeclaredChange, Versions, versions_by_key
from engine.declaration.fields import Declared
from engine.declaration.models import AutoClose, CatalogItem, OnBehalf, Switch, Workflow
from engine.declaration.sla_models import ALWAYS, PrioritySla, WorkingCalendar
from engine.resources.resource import (
    AUTO_CLOSE,
    ENABLED,
    ON_BEHALF,
    SLA,
    Key,
    Kind,
    Resource,
    is_active,
)
from engine.tickets.auto_close import grace_period_of
from engine.tickets.sla_targets import SlaTerms, targets_for
from engine.vocabulary import Priority
from engine.workflows.policy import Policy

M = TypeVar("M", bound=Declared)


@dataclass(frozen=True, slots=True)
class DeclaredRevision:
    """A revision of a workflow, and the reconciliation that declared it."""

    number: int
    workflow: str
    policy: Policy
    reconciliation: int
    at: datetime


@dataclass(frozen=True, slots=True)
class RevisionPeriod:
    """When a revision was the latest one of its workflow.

    Attributes:
        begin: when it was declared.
        retired_at: when the workflow was retired before `end`; `end` if it was not.
        end: when the next revision was declared; `NEVER` for the last one.
        earliest, latest: the times that an entry with this revision can have, given
            `CLOCK_STEP_MAX`.
        latest_active: the same for an entry that a retired workflow does not allow.

    """

    workflow: str
    policy: Policy
    begin: datetime
    retired_at: datetime
    end: datetime
    earliest: datetime
    latest_active: datetime
    latest: datetime


@dataclass(frozen=True)
class DeclaredHistory:
    """What was declared at any time, and whether ticketing was on.

    Methods that end in `near` return the states at a time, and less than `CLOCK_STEP_MAX` before
    and after it. Usually there is only one.

    Attributes:
        changes: all changes of resources, in order.
        revisions: all revisions of workflows, in the order of their numbers.
        switches: when admins switched ticketing on (true) or off, in order.

    """

    changes: tuple[DeclaredChange, ...] = ()
    revisions: tuple[DeclaredRevision, ...] = ()
    switches: tuple[tuple[datetime, bool], ...] = ()
    _targets: dict[tuple[object, ...], dict[str, object]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @cached_property
    def periods(self) -> Mapping[int, RevisionPeriod]:
        """The period of each revision, by its number."""
        periods, following = dict[int, RevisionPeriod](), dict[str, DeclaredRevision]()
        for revision in reversed(self.revisions):
            periods[revision.number] = self._period(revision, following.get(revision.workflow))
            following[revision.workflow] = revision
        return periods

    def _period(
        self, revision: DeclaredRevision, following: DeclaredRevision | None
    ) -> RevisionPeriod:
        end = NEVER if following is None else following.at
        retirements = (
            each.begin
            for each in self._versions_of(Kind.WORKFLOW, revision.workflow).all
            if each.resource is not None
            and each.resource.retired
            and revision.reconciliation < each.reconciliation
            and (following is None or each.reconciliation < following.reconciliation)
        )
        retired_at = min(retirements, default=end)
        return RevisionPeriod(
            workflow=revision.workflow,
            policy=revision.policy,
            begin=revision.at,
            retired_at=retired_at,
            end=end,
            earliest=revision.at - CLOCK_STEP_MAX,
            latest_active=retired_at + CLOCK_STEP_MAX,
            latest=end + CLOCK_STEP_MAX,
        )

    @cached_property
    def _versions(self) -> Mapping[Key, Versions]:
        return versions_by_key(self.changes)

    def _versions_of(self, kind: Kind, name: str) -> Versions:
        return self._versions.get(Key(kind, name), Versions())

    def active_near(self, kind: Kind, name: str, at: datetime) -> Iterator[Resource]:
        """Yield the states of a resource in which it was active."""
        return filter(is_active, self._versions_of(kind, name).near(at))

    def _setting_near(self, name: str, model: type[M], at: datetime) -> Iterator[M]:
        """Yield the states of a setting, which has its default value unless it is declared."""
        for state in self._versions_of(Kind.SETTING, name).near(at):
            yield model_as(model, state) if is_active(state) else model()

    def was_ticketing_off(self, at: datetime) -> bool:
        """Return whether ticketing was off at a time, and `CLOCK_STEP_MAX` before and after it."""
        return any(begin < at < end for begin, end in self._off)

    @cached_property
    def _off(self) -> tuple[tuple[datetime, datetime], ...]:
        """When ticketing was off, shortened at both ends by `CLOCK_STEP_MAX`."""
        declared = (
            (each.begin, not is_active(each.resource) or model_as(Switch, each.resource).enabled)
            for each in self._versions_of(Kind.SETTING, ENABLED).all
        )
        return (*_off_periods(declared), *_off_periods(self.switches))

    def grace_periods_near(self, workflow: str, policy: Policy, at: datetime) -> set[str | None]:
        """Return the grace periods of an active workflow, as `grace_period_of` does."""
        settings = [*self._setting_near(AUTO_CLOSE, AutoClose, at)]
        return {
            grace_period_of(policy, (model_as(Workflow, state).auto_close or each).after_resolved)
            for state in self.active_near(Kind.WORKFLOW, workflow, at)
            for each in settings
        }

    def on_behalf_groups_near(self, at: datetime) -> frozenset[str]:
        """Return the groups whose members could open tickets for other users."""
        settings = self._setting_near(ON_BEHALF, OnBehalf, at)
        return frozenset(group for each in settings for group in each.groups)

    def targets_near(self, source: Resource | Priority, at: datetime) -> list[dict[str, object]]:
        """Return the SLA targets for new tickets of a catalog item or a priority, as JSON."""
        return [
            self._targets_of(source, sla, calendar)
            for sla in self._versions_of(Kind.SETTING, SLA).near(at)
            for calendar in self._calendars_near(source, sla, at)
        ]

    def _calendars_near(
        self, source: Resource | Priority, sla: Resource | None, at: datetime
    ) -> Iterator[Resource | None]:
        """Yield the states of the calendar of SLA targets; None if all time counts."""
        name = SlaTerms(_sla_of(sla)).calendar_name(_source_of(source))
        if name == ALWAYS:
            return iter([None])
        return (each for each in self._versions_of(Kind.CALENDAR, name).near(at) if each)

    def _targets_of(
        self, source: Resource | Priority, sla: Resource | None, calendar: Resource | None
    ) -> dict[str, object]:
        """Return the SLA targets under these declarations; computed once, as it takes long."""
        known = self._targets.get((source, sla, calendar))
        if known is None:
            calendars = {} if calendar is None else {calendar.key.name: _calendar_of(calendar)}
            terms = SlaTerms(_sla_of(sla), calendars)
            known = targets_for(_source_of(source), terms).data
            self._targets[source, sla, calendar] = known
        return known


def _off_periods(switches: Iterable[tuple[datetime, bool]]) -> Iterator[tuple[datetime, datetime]]:
    """Yield when something was off, shortened at both ends by `CLOCK_STEP_MAX`.

    Args:
        switches: when it was switched on (true) or off, in order; at first it is on.

    """
    off_since: datetime | None = None
    for at, enabled in (*switches, (NEVER, True)):
        if not enabled:
            off_since = off_since or at
        elif off_since is not None:
            yield off_since + CLOCK_STEP_MAX, at - CLOCK_STEP_MAX
            off_since = None


def model_as(model: type[M], resource: Resource) -> M:
    """Return the declaration of a resource as a model of this type."""
    found = resource.model
    if not isinstance(found, model):
        raise TypeError(f"{resource.key} is not a {model.__name__}.")
    return found


def _source_of(source: Resource | Priority) -> CatalogItem | Priority:
    return source if isinstance(source, Priority) else model_as(CatalogItem, source)


def _sla_of(setting: Resource | None) -> PrioritySla:
    return model_as(PrioritySla, setting) if is_active(setting) else PrioritySla()


def _calendar_of(calendar: Resource) -> WorkingCalendar:
    return model_as(WorkingCalendar, calendar)
