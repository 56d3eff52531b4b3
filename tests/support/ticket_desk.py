"""Histories of all kinds with the declarations of their time, from random changes.

A desk makes changes of tickets and of declarations as the product does, with the rules of the
engine. Its clock can step back, as in a fail-over.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from hypothesis import strategies as st

from engine.audit.declared_history import DeclaredHistory, DeclaredRevision, model_as
from engine.audit.versions import CLOCK_STEP_MAX, DeclaredChange
from engine.declaration.durations import parse_duration
from engine.declaration.fields import Declared
from engine.declaration.models import AutoClose, CatalogItem, OnBehalf, Service, Switch, Workflow
from engine.declaration.sla_models import PrioritySla, WorkingCalendar
from engine.errors import InterlockError
from engine.outages.policy import (
    OutageAction,
    OutageTicket,
    ServiceState,
    decide,
    outage_change,
    outage_opening,
)
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
from engine.tickets.actor import Actor
from engine.tickets.auto_close import auto_close_change, auto_close_from, grace_period_of
from engine.tickets.changes import (
    Change,
    assignment_changes,
    breach_changes,
    build_entries,
    comment_changes,
    edit_changes,
    opening_entry,
    opening_from_command,
    opening_from_item,
    transfer_changes,
    unassignment,
    with_targets,
)
from engine.tickets.commands import (
    AssignTicket,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    TransferTicket,
    UpdateTicket,
)
from engine.tickets.history import Entry, EntryKind
from engine.tickets.sla_targets import SlaTerms, targets_for
from engine.tickets.sla_timers import build_timers
from engine.tickets.system_actor import SYSTEM_ACTOR
from engine.tickets.ticket import Opening, Ticket, rebuild_ticket
from engine.vocabulary import Priority, ServiceStatus, Status
from engine.workflows.policy import permits
from tests.support.personas import ALL_USERS, ANNA
from tests.support.ticket_examples import NOON

T = TypeVar("T")
M = TypeVar("M", bound=Declared)

PATH: Final = "acme/shop/payment-api"
WORKFLOWS: Final = ("flow", "other")
TRANSITIONS: Final = (
    "OPEN IN_PROGRESS assignee, IN_PROGRESS RESOLVED assignee, RESOLVED CLOSED requester",
    "OPEN RESOLVED any, RESOLVED OPEN requester, OPEN CLOSED any, CLOSED OPEN any",
    "OPEN IN_PROGRESS any, IN_PROGRESS OPEN any, IN_PROGRESS RESOLVED any, RESOLVED CLOSED any",
)


def workflow(name: str, transitions: str, period: str | None = None) -> Resource:
    """Return a workflow with transitions such as `OPEN CLOSED any`."""
    keys = ("from", "to", "role")
    listed = [dict(zip(keys, each.split(), strict=True)) for each in transitions.split(",")]
    own = {"autoClose": {"afterResolved": period}} if period else {}
    model = Workflow.model_validate({"name": name, "transitions": listed} | own)
    return Resource.of(Kind.WORKFLOW, name, model)


def item(name: str, priority: str, group: str | None, sla: object = None) -> Resource:
    """Return a catalog item of a workflow."""
    defaults = {"priority": priority, "assigneeGroup": group}
    fields = {"name": "vpn", "category": "all", "displayName": "VPN", "workflow": name}
    model = CatalogItem.model_validate(fields | {"defaults": defaults, "sla": sla})
    return Resource.of(Kind.ITEM, "vpn", model)


def service(name: str, *, auto: bool, hold: str, reopen: str) -> Resource:
    """Return a service whose tickets have a workflow."""
    fields = {"path": PATH, "slaGroup": "payment-team", "autoTicket": auto, "workflow": name}
    model = Service.model_validate(fields | {"holdDown": hold, "reopenWithin": reopen})
    return Resource.of(Kind.SERVICE, PATH, model)


def calendar(hours: str) -> Resource:
    """Return a calendar with these hours on Mondays and Tuesdays."""
    week = {"monday": [hours], "tuesday": [hours]}
    fields = {"name": "office", "timeZone": "Europe/Budapest", "hours": week}
    return Resource.of(Kind.CALENDAR, "office", WorkingCalendar.model_validate(fields))


def sla(**targets: dict[str, str]) -> Resource:
    """Return the SLA targets of priorities."""
    return Resource.of(Kind.SETTING, SLA, PrioritySla.model_validate(targets))


DECLARATIONS: Final = (
    *(
        workflow(name, transitions, period)
        for name in WORKFLOWS
        for transitions in TRANSITIONS
        for period in (None, "1h", "never")
    ),
    item("flow", "HIGH", "payment-team"),
    item("flow", "LOW", None, {"response": "10m", "resolution": "4h"}),
    item("other", "LOW", None, {"response": "1h", "resolution": "1d", "calendar": "office"}),
    service("flow", auto=True, hold="0s", reopen="30m"),
    service("other", auto=True, hold="2m", reopen="1d"),
    service("flow", auto=False, hold="0s", reopen="0s"),
    calendar("09:00-17:00"),
    calendar("00:00-24:00"),
    sla(HIGH={"response": "1m", "resolution": "1h"}),
    sla(CRITICAL={"calendar": "office"}, MEDIUM={"calendar": "office"}),
    *(
        Resource.of(Kind.SETTING, AUTO_CLOSE, AutoClose.model_validate({"afterResolved": each}))
        for each in ("1s", "72h", "never")
    ),
    *(Resource.of(Kind.SETTING, ENABLED, Switch(enabled=each)) for each in (True, False)),
    *(
        Resource.of(Kind.SETTING, ON_BEHALF, OnBehalf(groups=each))
        for each in ((), ("payment-team",))
    ),
)
FIRST: Final = (
    workflow("flow", TRANSITIONS[0]),
    workflow("other", TRANSITIONS[1]),
    item("flow", "HIGH", "payment-team"),
    service("flow", auto=True, hold="0s", reopen="30m"),
    calendar("09:00-17:00"),
)
TEXTS: Final = st.sampled_from(["Payments fail", "Cards fail", "Printer"])
IDS: Final = st.sampled_from([user.id for user in ALL_USERS])
GROUPS: Final = st.sampled_from([None, "payment-team", "network-team"])
SLAS: Final = st.sampled_from(
    [None, {"by_priority": True}, {"targets": {"response": "1m", "resolution": "P1D"}}]
)

INCIDENT: Final = CreateTicket.parse(
    title="Payments fail",
    workflow="flow",
    assignee_group="payment-team",
    sla={"by_priority": True},
)


def undrawn(_: object) -> object:
    """Fail: for a desk on which nothing is random."""
    raise AssertionError


@dataclass
class Desk:
    """Tickets with their histories, and the declarations of their time.

    Attributes:
        draw: draws a value from a strategy.
        now: the time, without the steps of the clock.
        step: how far the clock is ahead.
        resources: the current declarations.
        status, since: of the service.

    """

    draw: Callable[[st.SearchStrategy[Any]], Any]
    now: datetime = NOON
    step: timedelta = timedelta(0)
    resources: dict[Key, Resource] = field(default_factory=dict)
    changes: list[DeclaredChange] = field(default_factory=list)
    revisions: list[DeclaredRevision] = field(default_factory=list)
    switches: list[tuple[datetime, bool]] = field(default_factory=list)
    tickets: list[list[Entry]] = field(default_factory=list)
    status: ServiceStatus = ServiceStatus.OPERATIONAL
    since: datetime = NOON
    last_handled: ServiceStatus | None = None

    @property
    def clock(self) -> datetime:
        return self.now + self.step

    @property
    def declared(self) -> DeclaredHistory:
        return DeclaredHistory(tuple(self.changes), tuple(self.revisions), tuple(self.switches))

    @property
    def is_on(self) -> bool:
        switched = self.switches[-1][1] if self.switches else True
        return switched and self.setting(ENABLED, Switch).enabled

    def choose(self, choices: Sequence[T]) -> T:
        chosen: T = self.draw(st.sampled_from(choices))
        return chosen

    def setting(self, name: str, model: type[M]) -> M:
        found = self.resources.get(Key(Kind.SETTING, name))
        return model_as(model, found) if is_active(found) else model()

    def active(self, kind: Kind, name: str) -> Resource | None:
        found = self.resources.get(Key(kind, name))
        return found if is_active(found) else None

    def terms(self) -> SlaTerms:
        office = model_as(WorkingCalendar, self.resources[Key(Kind.CALENDAR, "office")])
        return SlaTerms(self.setting(SLA, PrioritySla), {"office": office})

    def on_behalf_groups(self) -> frozenset[str]:
        return frozenset(self.setting(ON_BEHALF, OnBehalf).groups)

    def revision(self, name: str) -> DeclaredRevision:
        return [each for each in self.revisions if each.workflow == name][-1]

    # --- declarations -----------------------------------------------------------------------------

    def wait(self) -> None:
        """Let some time pass."""
        seconds = st.sampled_from([0.001, 1, 4, 6, 90, 1_900, 4_000, 90_000])
        self.now += timedelta(seconds=self.draw(seconds))

    def step_clock(self) -> None:
        """Let another machine take over, whose clock differs."""
        self.step = self.draw(st.timedeltas(timedelta(0), CLOCK_STEP_MAX))

    def declare(self) -> None:
        """Change a declaration."""
        self.put(self.choose(DECLARATIONS))

    def retire(self) -> None:
        """Retire something, except calendars, to which others refer."""
        keys = [key for key, each in self.resources.items() if not each.retired]
        key = self.choose([each for each in keys if each.kind is not Kind.CALENDAR] or keys)
        if key.kind is not Kind.CALENDAR:
            self.put(Resource(key, self.resources[key].declaration, retired=True))

    def put(self, resource: Resource) -> None:
        self.resources[resource.key] = resource
        reconciliation = len(self.changes) + 1
        self.changes.append(DeclaredChange(reconciliation, self.clock, resource))
        if resource.key.kind is Kind.WORKFLOW and not resource.retired:
            name, policy = resource.key.name, resource.compiled.policy
            number = len(self.revisions) + 1
            revision = DeclaredRevision(number, name, policy, reconciliation, self.clock)
            self.revisions.append(revision)

    def switch(self) -> None:
        """Switch ticketing on or off."""
        on = self.switches[-1][1] if self.switches else True
        self.switches.append((self.clock, not on))

    # --- tickets ----------------------------------------------------------------------------------

    def open(self, actor: Actor, opening: Opening) -> None:
        """Create a ticket, unless its workflow is retired."""
        if not self.active(Kind.WORKFLOW, opening.workflow):
            return
        number = self.revision(opening.workflow).number
        ticket = f"tk_{len(self.tickets):06x}"
        self.tickets.append([opening_entry(ticket, opening, actor, self.clock, number)])

    def open_from_form(self) -> None:
        command = CreateTicket.parse(
            title=self.draw(TEXTS),
            workflow=self.choose(WORKFLOWS),
            priority=self.choose([*Priority]),
            requester=self.draw(st.none() | IDS),
            assignee=self.draw(st.none() | IDS),
            assignee_group=self.draw(GROUPS),
            sla=self.draw(SLAS),
        )
        actor = self.choose(ALL_USERS)
        opening = opening_from_command(command, actor, self.terms(), self.on_behalf_groups())
        self.open(actor, opening)

    def open_from_item(self) -> None:
        found = self.active(Kind.ITEM, "vpn")
        if found is None:
            return
        command = CreateTicketFromCatalog.parse(
            item="vpn",
            title=self.draw(st.none() | TEXTS),
            requester=self.draw(st.none() | IDS),
        )
        actor, model = self.choose(ALL_USERS), model_as(CatalogItem, found)
        opening = opening_from_item(command, model, actor, self.terms(), self.on_behalf_groups())
        self.open(actor, opening)

    def append(self, history: list[Entry], actor: Actor, changes: Sequence[Change]) -> None:
        ticket = rebuild_ticket(history)
        number = self.revision(ticket.workflow).number
        history += build_entries(ticket, changes, actor, self.clock, number)

    def pick(self) -> tuple[list[Entry], Ticket, Actor]:
        """Return a ticket with its history, and who changes it: often its requester or assignee."""
        history = self.choose(self.tickets)
        ticket = rebuild_ticket(history)
        involved = [each for each in ALL_USERS if each.id in (ticket.requester, ticket.assignee)]
        return history, ticket, self.choose([*ALL_USERS, *involved, *involved])

    def transition(self) -> None:
        history, ticket, actor = self.pick()
        policy = self.revision(ticket.workflow).policy
        roles = actor.roles_on(ticket.requester, ticket.assignee)
        targets = [each for each in Status if permits(policy, ticket.status, each, int(roles))]
        is_final = ticket.status is Status.CLOSED
        if targets and not is_final and self.active(Kind.WORKFLOW, ticket.workflow):
            change = Change(EntryKind.STATUS, ticket.status, self.choose(targets))
            self.append(history, actor, [change])

    def assign(self) -> None:
        history, ticket, actor = self.pick()
        command = AssignTicket.parse(ticket=ticket.id, assignee=self.draw(st.none() | IDS))
        self.append(history, actor, assignment_changes(ticket, actor, command))

    def transfer(self) -> None:
        history, ticket, actor = self.pick()
        command = TransferTicket.parse(ticket=ticket.id, assignee_group=self.draw(GROUPS))
        groups = next((each.groups for each in ALL_USERS if each.id == ticket.assignee), ())
        for change in transfer_changes(ticket, actor, command):
            self.append(history, actor, [change, *unassignment(ticket, change, groups)])

    def comment(self) -> None:
        history, ticket, actor = self.pick()
        is_internal = self.draw(st.booleans())
        command = CommentTicket.parse(ticket=ticket.id, text=self.draw(TEXTS), internal=is_internal)
        self.append(history, actor, comment_changes(ticket, actor, command))

    def edit(self) -> None:
        history, ticket, actor = self.pick()
        priority = self.choose([*Priority])
        command = UpdateTicket.parse(
            ticket=ticket.id,
            title=self.draw(st.none() | TEXTS),
            description=self.draw(st.none() | TEXTS),
            priority=priority,
        )
        timers = build_timers(history)
        targets = targets_for(priority, self.terms())
        self.append(
            history,
            actor,
            [
                with_targets(each, targets)
                if each.kind is EntryKind.PRIORITY and timers and timers.targets.by_priority
                else each
                for each in edit_changes(ticket, actor, command)
            ],
        )

    # --- work of system ---------------------------------------------------------------------------

    def record_breaches(self) -> None:
        for history in self.tickets:
            if timers := build_timers(history):
                self.append(history, SYSTEM_ACTOR, breach_changes(timers, self.clock))

    def close_resolved(self) -> None:
        for history in self.tickets:
            ticket = rebuild_ticket(history)
            start, found = (
                auto_close_from(ticket, history),
                self.active(Kind.WORKFLOW, ticket.workflow),
            )
            if start is None or found is None:
                continue
            own = model_as(Workflow, found).auto_close or self.setting(AUTO_CLOSE, AutoClose)
            period = grace_period_of(found.compiled.policy, own.after_resolved)
            if period and start < self.clock - parse_duration(period):
                self.append(history, SYSTEM_ACTOR, [auto_close_change(start, period)])

    def report(self) -> None:
        """Report a status of the service, and handle it."""
        status = self.choose([ServiceStatus.DOWN, ServiceStatus.OPERATIONAL])
        if status is not self.status:
            self.status, self.since = status, self.clock
        self.handle_service()

    def handle_service(self) -> None:
        """Do what the decision table says about the service."""
        found = self.resources[Key(Kind.SERVICE, PATH)]
        declared = model_as(Service, found)
        state = ServiceState(
            status=self.status,
            since=self.since,
            message="",
            last_handled_status=self.last_handled,
            service=declared,
            retired=found.retired,
            workflow_known=True,
            workflow_retired=not self.active(Kind.WORKFLOW, declared.workflow),
            enabled=self.is_on,
            now=self.clock,
            api_key="1a2b3c4d",
        )
        latest = self.latest_outage()
        action = decide(state, latest)
        self.last_handled = state.last_handled_after(action)
        if action is OutageAction.OPEN:
            self.open(SYSTEM_ACTOR, outage_opening(state, self.terms()))
        elif latest and action.writes:
            history = next(each for each in self.tickets if each[0].ticket == latest.ticket.id)
            self.append(history, SYSTEM_ACTOR, [outage_change(action, state, latest.ticket)])

    def latest_outage(self) -> OutageTicket | None:
        for history in reversed(self.tickets):
            ticket = rebuild_ticket(history)
            if ticket.service is not None:
                retired = not self.active(Kind.WORKFLOW, ticket.workflow)
                return OutageTicket(ticket, tuple(history), workflow_retired=retired)
        return None


DECLARING: Final = (Desk.declare, Desk.declare, Desk.retire, Desk.switch)
CREATING: Final = (Desk.open_from_form, Desk.open_from_item, Desk.report)
CHANGING: Final = (
    *(Desk.transition, Desk.transition, Desk.transition, Desk.assign, Desk.comment, Desk.edit),
    Desk.transfer,
    *(Desk.record_breaches, Desk.close_resolved, Desk.report, Desk.report, Desk.handle_service),
)


def first_desk(draw: Callable[[st.SearchStrategy[Any]], Any] = undrawn) -> Desk:
    """Return a desk with some declarations, and a ticket of Anna."""
    desk = Desk(draw)
    for resource in FIRST:
        desk.put(resource)
    desk.open(ANNA, opening_from_command(INCIDENT, ANNA, desk.terms()))
    return desk


@st.composite
def desks(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Desk:
    """Return a desk after random changes, with at least one ticket."""
    desk = first_desk(draw)
    for _ in range(draw(st.integers(10, 50))):
        desk.choose([Desk.wait, Desk.wait, Desk.step_clock])(desk)
        if desk.draw(st.integers(0, 4)) == 0:
            desk.choose(DECLARING)(desk)
        elif desk.is_on:
            with suppress(InterlockError):  # refused
                desk.choose([*CREATING, *CHANGING, *CHANGING])(desk)
    return desk


Recorded = tuple[DeclaredHistory, list[Entry]]
RECORDED: Final[st.SearchStrategy[Recorded]] = desks().flatmap(
    lambda desk: st.tuples(st.just(desk.declared), st.sampled_from(desk.tickets))
)
"""A history with the declarations of its time."""
