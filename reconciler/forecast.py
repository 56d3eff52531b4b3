"""What happens without any user within an hour after a plan, and not without the plan. Pure.

`system` closes RESOLVED tickets, records breaches, and opens, re-opens, closes and comments on
outage tickets. Each of these follows rules that a declaration can change. A forecast applies the
rules as they are before and after a plan, and keeps the differences. Each difference belongs to
the change that causes it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from engine.declaration.fields import parse_delay, parse_grace_period
from engine.declaration.models import Service
from engine.outages.policy import (
    OutageAction,
    OutageTicket,
    ServiceState,
    UnhandledService,
    decide,
)
from engine.resources.resource import (
    Key,
    Kind,
    Resource,
    Snapshot,
    is_active,
)
from engine.tickets.auto_close import auto_close_from, grace_period_of
from engine.vocabulary import ServiceStatus, Status
from reconciler.diff import Change
from reconciler.setting_changes import (
    AUTO_CLOSE_KEY,
    ENABLED_KEY,
    VISIBILITY_KEY,
    declared_auto_close,
    declares_on,
    exposes_tickets,
)

HORIZON: Final = timedelta(hours=1)
"""How far a forecast looks ahead. What happens later can still be prevented by another plan."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What the database enforces before a plan.

    Attributes:
        now: the time of the database.
        is_on: whether ticketing is on.
        is_allowed: whether admins allow it to be on.
        grace_periods: by workflow; only workflows whose tickets `system` closes.
        unhandled: the services whose status waits to be handled.
        in_outage: the paths of the services in an outage that the plan retires.

    """

    now: datetime
    is_on: bool
    is_allowed: bool
    grace_periods: Mapping[str, timedelta] = field(default_factory=dict)
    unhandled: tuple[UnhandledService, ...] = ()
    in_outage: tuple[str, ...] = ()

    @property
    def by(self) -> datetime:
        """The time up to which a forecast looks ahead."""
        return self.now + HORIZON


@dataclass(frozen=True, slots=True)
class PeriodChange:
    """The grace period of a workflow before and after a plan, and the change that changes it.

    A period is None if `system` closes no tickets of the workflow.
    """

    workflow: str
    before: timedelta | None
    after: timedelta | None
    cause: Key


@dataclass(frozen=True, slots=True)
class OutageChange:
    """What `system` does for a service by the end of a forecast: before and after a plan."""

    service: UnhandledService
    before: OutageAction
    after: OutageAction
    cause: Key


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a plan changes about the rules of `system`.

    Attributes:
        live: the resources before the plan, retired ones included.
        after: the resources after the plan.
        changes: the changes of the plan.
        observed: what the database enforces before the plan.

    """

    live: Snapshot
    after: Snapshot
    changes: Mapping[Key, Change]
    observed: Observation

    @property
    def is_on_after(self) -> bool:
        """Whether ticketing is on after the plan."""
        if ENABLED_KEY not in self.changes:
            return self.observed.is_on
        return self.observed.is_allowed and declares_on(self.after.get(ENABLED_KEY))

    @property
    def is_switched(self) -> bool:
        """Whether the plan switches ticketing on or off."""
        return self.is_on_after != self.observed.is_on

    @property
    def is_switched_off(self) -> bool:
        """Whether the plan switches ticketing off."""
        return self.is_switched and not self.is_on_after

    @property
    def affects_all(self) -> bool:
        """Whether the plan affects all live tickets."""
        return self.is_switched_off or self.exposes_tickets

    @property
    def exposes_tickets(self) -> bool:
        """Whether users gain access to tickets that they are not involved in."""
        change = self.changes.get(VISIBILITY_KEY)
        return change is not None and exposes_tickets(change)

    def period_changes(self) -> Iterator[PeriodChange]:
        """Yield the workflows whose grace period changes."""
        affects_all = self.is_switched or AUTO_CLOSE_KEY in self.changes
        for key in self.after if affects_all else self.changes:
            if key.kind is Kind.WORKFLOW:
                before = self.observed.grace_periods.get(key.name)
                after = self.grace_period_after(key)
                if before != after:
                    cause = self._cause_of_period(key, before)
                    yield PeriodChange(key.name, before, after, cause)

    def grace_period_after(self, workflow: Key) -> timedelta | None:
        """Return the grace period of a workflow after the plan; None if it closes no tickets."""
        return self._period_after(workflow, self.after.get(AUTO_CLOSE_KEY))

    def _period_after(self, workflow: Key, default: Resource | None) -> timedelta | None:
        """Return the grace period of a workflow after the plan, with this setting for all."""
        resource = self.after.get(workflow)
        if not self.is_on_after or not is_active(resource):
            return None
        declared = resource.workflow.auto_close or declared_auto_close(default)
        period = grace_period_of(resource.compiled.policy, declared.after_resolved)
        return None if period is None else parse_grace_period(period)

    def _cause_of_period(self, workflow: Key, before: timedelta | None) -> Key:
        """Return the change that changes the grace period of a workflow."""
        if self.is_switched:
            return ENABLED_KEY
        without_setting = self._period_after(workflow, self.live.get(AUTO_CLOSE_KEY))
        is_own = workflow in self.changes and without_setting != before
        return workflow if is_own else AUTO_CLOSE_KEY

    def outage_changes(self) -> Iterator[OutageChange]:
        """Yield the services for which `system` does something else than without the plan."""
        for service in self.observed.unhandled:
            before = self._action_before(service)
            after = self._action_after(service)
            if before is not after:
                yield OutageChange(service, before, after, self._cause_of_outage(service))

    def _action_before(self, service: UnhandledService) -> OutageAction:
        state = replace(service.state, now=self.observed.by)
        return decide(state, self._closed_by_then(state, service.latest, is_before=True))

    def _action_after(self, service: UnhandledService) -> OutageAction:
        state, latest = self._state_after(service.state), service.latest
        if latest is not None:
            workflow = self.after.get(Key(Kind.WORKFLOW, latest.ticket.workflow))
            latest = replace(latest, workflow_retired=not is_active(workflow))
        return decide(state, self._closed_by_then(state, latest, is_before=False))

    def _state_after(self, state: ServiceState) -> ServiceState:
        """Return the state of a service at the end of the forecast, after the plan."""
        declared, resource = state.service, self.after.get(Key(Kind.SERVICE, state.service.path))
        if resource is not None and isinstance(resource.model, Service):
            declared = resource.model
        workflow = self.after.get(Key(Kind.WORKFLOW, declared.workflow))
        return replace(
            state,
            service=declared,
            retired=not is_active(resource),
            workflow_known=workflow is not None,
            workflow_retired=workflow is not None and workflow.retired,
            enabled=self.is_on_after,
            now=self.observed.by,
        )

    def _closed_by_then(
        self, state: ServiceState, latest: OutageTicket | None, *, is_before: bool
    ) -> OutageTicket | None:
        """Return the ticket of a service as it is when the hold-down of the service is over.

        Its grace period can end earlier. Without a hold-down, the service is handled first.
        """
        if latest is None or latest.ticket.status is not Status.RESOLVED:
            return latest
        workflow = Key(Kind.WORKFLOW, latest.ticket.workflow)
        period = (
            self.observed.grace_periods.get(workflow.name)
            if is_before
            else self.grace_period_after(workflow)
        )
        begin = auto_close_from(latest.ticket, latest.history)
        handled_at = state.since + parse_delay(state.service.hold_down)
        if state.status is not ServiceStatus.DOWN or handled_at <= self.observed.now:
            return latest
        if period is None or begin is None or begin + period >= handled_at:
            return latest
        return replace(latest, ticket=latest.ticket._replace(status=Status.CLOSED))

    def _cause_of_outage(self, service: UnhandledService) -> Key:
        """Return the change that makes `system` do something else for a service."""
        if self.is_switched:
            return ENABLED_KEY
        state, latest = self._state_after(service.state), service.latest
        candidates = (
            Key(Kind.SERVICE, state.service.path),
            Key(Kind.WORKFLOW, state.service.workflow),
            *([Key(Kind.WORKFLOW, latest.ticket.workflow)] if latest else []),
        )
        return next((key for key in candidates if key in self.changes), AUTO_CLOSE_KEY)
