"""A model of one monitored service: events change it, and the decision table is applied."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Final

from engine.audit.declared_history import DeclaredHistory, DeclaredRevision
from engine.audit.versions import DeclaredChange
from engine.declaration.models import Service, Workflow
from engine.outages.policy import (
    OutageAction,
    OutageTicket,
    Phase,
    ServiceState,
    TicketState,
    decide,
    outage_change,
    outage_opening,
    ticket_state,
)
from engine.resources.resource import Kind, Resource
from engine.tickets.actor import Actor
from engine.tickets.auto_close import auto_close_change, auto_close_from
from engine.tickets.changes import Change, build_entries, opening_entry
from engine.tickets.history import Entry, EntryKind
from engine.tickets.sla_targets import SlaTerms
from engine.tickets.system_actor import SYSTEM_ACTOR, system_reason
from engine.tickets.ticket import Ticket, rebuild_ticket
from engine.vocabulary import ServiceStatus, Status
from tests.support.personas import ADA, MARTON
from tests.support.ticket_examples import NOON

TICK = timedelta(seconds=1)
HOLD = timedelta(minutes=2)
WINDOW = timedelta(minutes=30)
LONG = timedelta(days=1)

DOWN, OPERATIONAL = ServiceStatus.DOWN, ServiceStatus.OPERATIONAL


EMERGENCY: Final = Workflow.model_validate(
    {
        "name": "emergency",
        "transitions": [
            {"from": "OPEN", "to": "RESOLVED", "role": "any"},
            {"from": "RESOLVED", "to": "CLOSED", "role": "any"},
        ],
        "autoClose": {"afterResolved": "1s"},
    }
)


def declared(**more: object) -> Service:
    path = {"path": "acme/shop/payment-api", "slaGroup": "payment-team", "autoTicket": True}
    return Service.model_validate(path | {"workflow": EMERGENCY.name} | more)


FLAPPING: Final = declared(holdDown="2m", reopenWithin="30m")
RESOURCES: Final = (
    Resource.of(Kind.WORKFLOW, EMERGENCY.name, EMERGENCY),
    Resource.of(Kind.SERVICE, FLAPPING.path, FLAPPING),
)
REVISION: Final = 7
DECLARED: Final = DeclaredHistory(
    changes=tuple(DeclaredChange(1, NOON, each) for each in RESOURCES),
    revisions=(DeclaredRevision(REVISION, EMERGENCY.name, RESOURCES[0].compiled.policy, 1, NOON),),
)
"""What is declared in the worlds, as if nothing was ever retired or switched off."""


@dataclass(frozen=True)
class World:
    """One service, its tickets, and the last decision.

    Attributes:
        met: the row and the column of the decision table that applied last.
        done: the last action.

    """

    now: datetime = NOON
    status: ServiceStatus = OPERATIONAL
    since: datetime = NOON
    last_handled_status: ServiceStatus | None = None
    service: Service = FLAPPING
    retired: bool = False
    workflow_retired: bool = False
    enabled: bool = True
    tickets: tuple[tuple[Entry, ...], ...] = ()
    met: tuple[Phase, TicketState] = (Phase.INCONCLUSIVE, TicketState.NONE)
    done: OutageAction = OutageAction.NOTHING

    @property
    def state(self) -> ServiceState:
        return ServiceState(
            status=self.status,
            since=self.since,
            message="",
            last_handled_status=self.last_handled_status,
            service=self.service,
            retired=self.retired,
            workflow_known=True,
            workflow_retired=self.workflow_retired,
            enabled=self.enabled,
            now=self.now,
        )

    @cached_property
    def latest(self) -> OutageTicket | None:
        return self.outage(self.tickets[-1]) if self.tickets else None

    def outage(self, history: tuple[Entry, ...]) -> OutageTicket:
        return OutageTicket(
            rebuilt_ticket(history), history, workflow_retired=self.workflow_retired
        )

    @cached_property
    def live(self) -> list[OutageTicket]:
        tickets = [self.outage(each) for each in self.tickets]
        return [each for each in tickets if each.ticket.status is not Status.CLOSED]

    @property
    def abstract(self) -> tuple[object, ...]:
        """The part of the state that affects later decisions; times as results of comparisons."""
        latest = self.latest
        return (
            *(self.status, self.last_handled_status, self.service.auto_ticket, self.retired),
            *(self.workflow_retired, self.enabled, self.now - self.since < HOLD, len(self.live)),
            latest
            and (
                latest.ticket.status,
                latest.handled_by_user,
                system_reason(last_transition(latest)),
            ),
            latest and self.now - last_transition(latest).at <= WINDOW,
            latest and latest.closed_for_recovery(WINDOW, self.since),
        )

    def after(self, event: "Event") -> "World":
        """Return the world one tick later, after an event and the decision about it."""
        return handle(event(replace(self, now=self.now + TICK)))


Event = Callable[[World], World]


@cache
def rebuilt_ticket(history: tuple[Entry, ...]) -> Ticket:
    """Return the ticket of a history. Most worlds share the histories of the world before."""
    return rebuild_ticket(history)


def last_transition(outage: OutageTicket) -> Entry:
    return [each for each in outage.history if each.kind in {"created", "status"}][-1]


def handle(world: World) -> World:
    """Decide what to do about the service, and do it."""
    state, latest = world.state, world.latest
    action = decide(state, latest)
    met = (state.phase, ticket_state(state, latest))
    handled = state.last_handled_after(action)
    world = replace(world, last_handled_status=handled, met=met, done=action)
    if action is OutageAction.OPEN:
        opening = outage_opening(state, SlaTerms())
        entry = opening_entry("tk_4f8e29", opening, SYSTEM_ACTOR, world.now, REVISION)
        return replace(world, tickets=(*world.tickets, (entry,)))
    if not action.writes:
        return world
    assert latest is not None
    return append(world, SYSTEM_ACTOR, outage_change(action, state, latest.ticket))


def append(world: World, actor: Actor, change: Change) -> World:
    """Return the world with another entry in the history of its latest ticket."""
    latest = world.latest
    assert latest is not None
    entries = build_entries(latest.ticket, [change], actor, world.now, REVISION)
    return replace(world, tickets=(*world.tickets[:-1], (*latest.history, *entries)))


def report(status: ServiceStatus) -> Event:
    def event(world: World) -> World:
        since = world.since if world.status is status else world.now
        return replace(world, status=status, since=since)

    return event


def wait(time: timedelta) -> Event:
    return lambda world: replace(world, now=world.now + time)


def handle_by_user(world: World) -> World:
    """Let a user comment on the latest ticket, unless a user has already acted on it."""
    if world.latest is None or world.latest.handled_by_user or not world.enabled:
        return world
    return append(world, MARTON, Change(EntryKind.COMMENT, None, "Looking"))


def transition(actor: Actor, source: Status, target: Status) -> Event:
    def event(world: World) -> World:
        has_status = world.latest is not None and world.latest.ticket.status is source
        if not has_status or not world.enabled or world.workflow_retired:
            return world
        return append(world, actor, Change(EntryKind.STATUS, source, target))

    return event


def switch(**changed: bool) -> Event:
    return lambda world: replace(world, **changed)  # type: ignore[arg-type]  # flags by name


def auto_ticket(*, on: bool) -> Event:
    def event(world: World) -> World:
        return replace(world, service=world.service.model_copy(update={"auto_ticket": on}))

    return event


def close_after_grace_period(world: World) -> World:
    """Let `system` close the latest ticket if its grace period is over."""
    if world.latest is None or not world.enabled or world.workflow_retired:
        return world
    start = auto_close_from(world.latest.ticket, world.latest.history)
    if start is None or world.now - start <= TICK:
        return world
    return append(world, SYSTEM_ACTOR, auto_close_change(start, "1s"))


EVENTS: Final[dict[str, Event]] = {
    **{f"reported {status}": report(status) for status in ServiceStatus},
    "hold-down over": wait(HOLD),
    "re-open window over": wait(WINDOW),
    "handled by a user": handle_by_user,
    "resolved": transition(ADA, Status.OPEN, Status.RESOLVED),
    "closed": transition(ADA, Status.RESOLVED, Status.CLOSED),
    "closed after the grace period": close_after_grace_period,
    "workflow retired": switch(workflow_retired=True),
    "workflow declared": switch(workflow_retired=False),
    "service retired": switch(retired=True),
    "service declared": switch(retired=False),
    "plugin off": switch(enabled=False),
    "plugin on": switch(enabled=True),
    "auto ticket off": auto_ticket(on=False),
    "auto ticket on": auto_ticket(on=True),
}
