"""When a monitored service opens, re-opens and closes tickets by itself: one table. Pure.

An outage begins when the service goes DOWN and ends when it is OPERATIONAL again; what lies between
(DEGRADED, MAINTENANCE, UNKNOWN) neither begins nor ends one. Beginning and end are answered once
each, as the table says, however often they are reported. What can't be answered yet waits, and is
answered as soon as it can be.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from engine.declaration.fields import parse_delay
from engine.declaration.models import Service
from engine.limits import TITLE_CHARACTERS
from engine.tickets.changes import Change
from engine.tickets.history import Entry, EntryKind
from engine.tickets.sla_targets import SlaTerms, targets_for
from engine.tickets.system_actor import SystemReason, system_details, system_reason
from engine.tickets.ticket import Opening, Ticket
from engine.vocabulary import SYSTEM, Priority, ServiceStatus, Status

PRIORITY: Final = Priority.CRITICAL
"""Of every outage's ticket."""

BY_SEVERITY: Final = (
    ServiceStatus.MAINTENANCE,
    ServiceStatus.DOWN,
    ServiceStatus.DEGRADED,
    ServiceStatus.UNKNOWN,
)
"""Of what several sources report, the first of these holds: planned work explains all the rest."""


def worst_status(reported: Iterable[ServiceStatus]) -> ServiceStatus:
    """Return what a service is by everything that is reported of it; OPERATIONAL if nothing is."""
    found = set(reported)
    return next((each for each in BY_SEVERITY if each in found), ServiceStatus.OPERATIONAL)


class Phase(StrEnum):
    """What a service is, as far as that asks for an answer."""

    HANDLED = "handled"
    """What it was when it was answered last."""
    INCONCLUSIVE = "inconclusive"
    """Neither DOWN nor OPERATIONAL."""
    WAITING = "waiting"
    """To be answered, but not yet: see `WaitReason`."""
    DOWN = "down"
    UP = "up"


class TicketState(StrEnum):
    """How the latest outage ticket of a service stands."""

    NONE = "none"
    """None is live, and none may be re-opened."""
    REOPENABLE = "reopenable"
    """The system closed it, not long before the service went DOWN again."""
    UNHANDLED = "unhandled"
    """Live, and nobody but the system did anything to it."""
    WORKFLOW_RETIRED = "workflow_retired"
    """The same, but its workflow is retired, so that nobody may move it, the system included."""
    HANDLED = "handled"
    """Live, and somebody's."""


class OutageAction(StrEnum):
    """What is done."""

    NOTHING = "nothing"
    WAIT = "wait"
    """Nothing yet: it is not answered."""
    OPEN = "open"
    REOPEN = "reopen"
    CLOSE = "close"
    COMMENT = "comment"


class WaitReason(StrEnum):
    """Why something waits; the same words as `reason` in the answer to a report."""

    PLUGIN_DISABLED = "plugin_disabled"
    SERVICE_RETIRED = "service_retired"
    AUTO_TICKET_OFF = "auto_ticket_off"
    HOLD_DOWN = "hold_down"
    WORKFLOW_UNKNOWN = "workflow_unknown"
    WORKFLOW_RETIRED = "workflow_retired"


DECISION_TABLE: Final[dict[Phase, dict[TicketState, OutageAction]]] = {
    Phase.HANDLED: dict.fromkeys(TicketState, OutageAction.NOTHING),
    Phase.INCONCLUSIVE: dict.fromkeys(TicketState, OutageAction.NOTHING),
    Phase.WAITING: dict.fromkeys(TicketState, OutageAction.WAIT),
    Phase.DOWN: {
        TicketState.NONE: OutageAction.OPEN,
        TicketState.REOPENABLE: OutageAction.REOPEN,
        TicketState.UNHANDLED: OutageAction.NOTHING,
        TicketState.WORKFLOW_RETIRED: OutageAction.NOTHING,
        TicketState.HANDLED: OutageAction.COMMENT,
    },
    Phase.UP: {
        TicketState.NONE: OutageAction.NOTHING,
        TicketState.REOPENABLE: OutageAction.NOTHING,
        TicketState.UNHANDLED: OutageAction.CLOSE,
        TicketState.WORKFLOW_RETIRED: OutageAction.WAIT,
        TicketState.HANDLED: OutageAction.COMMENT,
    },
}
"""What is done, by what the service is and how its ticket stands. There is no other rule."""

DECISIVE: Final = frozenset({ServiceStatus.DOWN, ServiceStatus.OPERATIONAL})
"""The statuses that are answered."""
ACTIVE_PHASES: Final = frozenset({Phase.DOWN, Phase.UP})
"""Where it matters how the ticket stands."""
PASSIVE_ACTIONS: Final = frozenset({OutageAction.NOTHING, OutageAction.WAIT})
"""What writes nothing."""


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A monitored service when it is to be answered.

    Attributes:
        since: since when it has had this status.
        message: what was reported with it; may be empty.
        answered: the status that was answered last, DOWN or OPERATIONAL; None for none.
        service: what is declared of it, or was before it was retired.
        workflow_known, workflow_retired: of the workflow that its tickets get.
        enabled: whether ticketing is on.
        now: by the clock of the database.

    """

    status: ServiceStatus
    since: datetime
    message: str
    last_handled_status: ServiceStatus | None
    service: Service
    retired: bool
    workflow_known: bool
    workflow_retired: bool
    enabled: bool
    now: datetime

    @property
    def phase(self) -> Phase:
        """Return what the service is, as far as that asks for an answer."""
        if self.status not in DECISIVE:
            return Phase.INCONCLUSIVE
        if self.status is self.last_handled_status:
            return Phase.HANDLED
        if self.wait_reason:
            return Phase.WAITING
        return Phase.DOWN if self.status is ServiceStatus.DOWN else Phase.UP

    @property
    def wait_reason(self) -> WaitReason | None:
        """Why the service is not answered now, however its ticket stands; None if it is."""
        is_down = self.status is ServiceStatus.DOWN
        held = {
            WaitReason.PLUGIN_DISABLED: not self.enabled,
            WaitReason.SERVICE_RETIRED: is_down and self.retired,
            WaitReason.AUTO_TICKET_OFF: is_down and not self.service.auto_ticket,
            WaitReason.HOLD_DOWN: is_down and self.stood < parse_delay(self.service.hold_down),
            WaitReason.WORKFLOW_UNKNOWN: is_down and not self.workflow_known,
            WaitReason.WORKFLOW_RETIRED: is_down and self.workflow_retired,
        }
        return next((hindrance for hindrance, holds in held.items() if holds), None)

    @property
    def stood(self) -> timedelta:
        """How long the service has had this status."""
        return self.now - self.since

    def last_handled_after(self, response: OutageAction) -> ServiceStatus | None:
        """Return the status that is answered last after a response."""
        is_answer = self.status in DECISIVE and response is not OutageAction.WAIT
        return self.status if is_answer else self.last_handled_status


@dataclass(frozen=True, slots=True)
class OutageTicket:
    """The latest outage ticket of a service, with its whole history.

    Attributes:
        frozen: its workflow is retired, so that nobody may move it, the system included.

    """

    ticket: Ticket
    history: Sequence[Entry]
    workflow_retired: bool

    def case(self, down_since: datetime, reopen_within: timedelta) -> TicketState:
        """Return how it stands towards a service that is what it is since a moment."""
        if self.ticket.status is Status.CLOSED:
            again = not self.workflow_retired and self.closed_within(reopen_within, down_since)
            return TicketState.REOPENABLE if again else TicketState.NONE
        if self.handled_by_user:
            return TicketState.HANDLED
        return TicketState.WORKFLOW_RETIRED if self.workflow_retired else TicketState.UNHANDLED

    @property
    def handled_by_user(self) -> bool:
        """Whether anybody but the system did anything to it."""
        return any(entry.actor != SYSTEM for entry in self.history)

    def closed_within(self, window: timedelta, before: datetime) -> bool:
        """Tell whether the system closed it for a recovery, within a window before a moment."""
        moves = [entry for entry in self.history if entry.kind is EntryKind.STATUS]
        if (
            not moves
            or not window
            or system_reason(moves[-1]) is not SystemReason.SERVICE_RECOVERED
        ):
            return False
        return before - moves[-1].at <= window


def ticket_state(situation: ServiceState, latest: OutageTicket | None) -> TicketState:
    """Return how the latest outage ticket of a service stands."""
    if latest is None:
        return TicketState.NONE
    return latest.case(situation.since, parse_delay(situation.service.reopen_within))


def decide(situation: ServiceState, latest: OutageTicket | None) -> OutageAction:
    """Return what is done about a service."""
    return DECISION_TABLE[situation.phase][ticket_state(situation, latest)]


def wait_reason(situation: ServiceState) -> WaitReason:
    """Return what a service waits for, if the response to it is to wait."""
    return situation.wait_reason or WaitReason.WORKFLOW_RETIRED


def outage_opening(situation: ServiceState, terms: SlaTerms) -> Opening:
    """Return what the ticket of an outage starts with; promised is what the priority promises."""
    service = situation.service
    return Opening(
        title=outage_title(service.path),
        description=situation.message,
        priority=PRIORITY,
        workflow=service.workflow,
        requester=None,
        assignee=None,
        assignee_group=service.sla_group,
        service=service.path,
        sla=targets_for(PRIORITY, terms),
    )


def outage_title(path: str) -> str:
    """Return the title of an outage; of a long path, the end says more than the beginning."""
    title = f"{path} is DOWN"
    return title if len(title) <= TITLE_CHARACTERS else f"…{title[1 - TITLE_CHARACTERS :]}"


def outage_change(response: OutageAction, situation: ServiceState, ticket: Ticket) -> Change:
    """Return what closing, re-opening or commenting on an outage ticket writes."""
    went_down = situation.status is ServiceStatus.DOWN
    reason = SystemReason.SERVICE_DOWN_AGAIN if went_down else SystemReason.SERVICE_RECOVERED
    details = system_details(reason, service=situation.service.path)
    if response is OutageAction.COMMENT:
        return Change(EntryKind.COMMENT, None, comment_on(situation), details)
    status = Status.OPEN if response is OutageAction.REOPEN else Status.CLOSED
    return Change(EntryKind.STATUS, ticket.status, status, details)


def comment_on(situation: ServiceState) -> str:
    """Return what a ticket that is somebody's is told of its service."""
    news = "is DOWN again" if situation.status is ServiceStatus.DOWN else "has recovered"
    since = situation.since.astimezone(UTC).isoformat(" ", "seconds").removesuffix("+00:00")
    told = f"{situation.service.path} {news}: {situation.status} since {since} UTC."
    return f"{told} {situation.message}".rstrip()
