"""A world of one monitored service, in which the table of outages is applied to what happens."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, reduce
from typing import Final

from engine.declaration.models import Service
from engine.outages.policy import (
    PASSIVE_ACTIONS,
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
from engine.tickets.actor import Actor
from engine.tickets.changes import Change, build_entries, opening_entry
from engine.tickets.history import Entry, EntryKind
from engine.tickets.sla_targets import SlaTerms
from engine.tickets.system_actor import SYSTEM_ACTOR, system_reason
from engine.tickets.ticket import apply_entry, initial_ticket
from engine.vocabulary import ServiceStatus, Status
from tests.support.people import MARTON
from tests.support.ticket_examples import NOON

MOMENT = timedelta(seconds=1)
HOLD = timedelta(minutes=2)
WINDOW = timedelta(minutes=30)
LONG = timedelta(days=1)

DOWN, OPERATIONAL = ServiceStatus.DOWN, ServiceStatus.OPERATIONAL


def declared(**more: object) -> Service:
    path = {"path": "acme/shop/payment-api", "slaGroup": "payment-team", "autoTicket": True}
    return Service.model_validate(path | more)


FLAPPING: Final = declared(holdDown="2m", reopenWithin="30m")


@dataclass(frozen=True)
class World:
    """One service, its tickets, and what was met and done last."""

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
        ticket = reduce(apply_entry, history[1:], initial_ticket(history[0]))
        return OutageTicket(ticket, history, workflow_retired=self.workflow_retired)

    @cached_property
    def live(self) -> list[OutageTicket]:
        tickets = [self.outage(each) for each in self.tickets]
        return [each for each in tickets if each.ticket.status is not Status.CLOSED]

    @property
    def abstract(self) -> tuple[object, ...]:
        """What makes a difference from now on: moments only by what they are compared with."""
        latest = self.latest
        return (
            *(self.status, self.last_handled_status, self.service.auto_ticket, self.retired),
            *(self.workflow_retired, self.enabled, self.now - self.since < HOLD, len(self.live)),
            latest
            and (latest.ticket.status, latest.handled_by_user, system_reason(last_move(latest))),
            latest and self.now - last_move(latest).at <= WINDOW,
            latest and latest.closed_within(WINDOW, self.since),
        )

    def after(self, event: "Event") -> "World":
        """Return the world a moment later, after an event and the response to it."""
        return answer(event(replace(self, now=self.now + MOMENT)))


Event = Callable[[World], World]


def last_move(outage: OutageTicket) -> Entry:
    return [each for each in outage.history if each.kind in {"created", "status"}][-1]


def answer(world: World) -> World:
    situation, latest = world.state, world.latest
    response = decide(situation, latest)
    met = (situation.phase, ticket_state(situation, latest))
    world = replace(
        world, last_handled_status=situation.last_handled_after(response), met=met, done=response
    )
    if response is OutageAction.OPEN:
        entry = opening_entry(
            "tk_4f8e29", outage_opening(situation, SlaTerms()), SYSTEM_ACTOR, world.now, 7
        )
        return replace(world, tickets=(*world.tickets, (entry,)))
    if response in PASSIVE_ACTIONS:
        return world
    assert latest is not None
    return written(world, SYSTEM_ACTOR, outage_change(response, situation, latest.ticket))


def written(world: World, actor: Actor, change: Change) -> World:
    """Return the world with one more entry of its latest ticket."""
    latest = world.latest
    assert latest is not None
    entries = build_entries(latest.ticket, [change], actor, world.now, 7)
    return replace(world, tickets=(*world.tickets[:-1], (*latest.history, *entries)))


def reported(status: ServiceStatus) -> Event:
    def report(world: World) -> World:
        since = world.since if world.status is status else world.now
        return replace(world, status=status, since=since)

    return report


def passing(time: timedelta) -> Event:
    return lambda world: replace(world, now=world.now + time)


def handle_by_user(world: World) -> World:
    """Somebody comments on the latest ticket, CLOSED or not; a second comment changes nothing."""
    if world.latest is None or world.latest.handled_by_user or not world.enabled:
        return world
    return written(world, MARTON, Change(EntryKind.COMMENT, None, "Looking"))


def moved(actor: Actor, source: Status, target: Status) -> Event:
    def move(world: World) -> World:
        stands = world.latest is not None and world.latest.ticket.status is source
        may = stands and world.enabled and not world.workflow_retired
        return written(world, actor, Change(EntryKind.STATUS, source, target)) if may else world

    return move


def switched(**changed: bool) -> Event:
    return lambda world: replace(world, **changed)  # type: ignore[arg-type]  # flags by name


def auto_ticket(*, on: bool) -> Event:
    def switch(world: World) -> World:
        return replace(world, service=world.service.model_copy(update={"auto_ticket": on}))

    return switch


EVENTS: Final[dict[str, Event]] = {
    **{f"reported {status}": reported(status) for status in ServiceStatus},
    "hold over": passing(HOLD),
    "window over": passing(WINDOW),
    "handled by a user": handle_by_user,
    "resolved": moved(MARTON, Status.OPEN, Status.RESOLVED),
    "closed": moved(MARTON, Status.RESOLVED, Status.CLOSED),
    "closed after the grace period": moved(SYSTEM_ACTOR, Status.RESOLVED, Status.CLOSED),
    "workflow retired": switched(workflow_retired=True),
    "workflow declared": switched(workflow_retired=False),
    "service retired": switched(retired=True),
    "service declared": switched(retired=False),
    "plugin off": switched(enabled=False),
    "plugin on": switched(enabled=True),
    "auto ticket off": auto_ticket(on=False),
    "auto ticket on": auto_ticket(on=True),
}
