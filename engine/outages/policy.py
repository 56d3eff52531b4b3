"""When a monitored service opens, re-opens and closes tickets: one decision table. Pure.

An outage begins when a service goes DOWN, and ends when it is OPERATIONAL again. DEGRADED,
MAINTENANCE and UNKNOWN neither begin nor end an outage. Its beginning and its end are each handled
once, however often they are reported. A status that cannot be handled yet waits until it can be.
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
from engine.tickets.system_actor import SystemReason, outage_details, system_reason
from engine.tickets.ticket import Opening, Ticket
from engine.vocabulary import SYSTEM, Priority, ServiceStatus, Status

OUTAGE_PRIORITY: Final = Priority.CRITICAL

_BY_SEVERITY: Final = (
    ServiceStatus.MAINTENANCE,  # planned work explains all other reports
    ServiceStatus.DOWN,
    ServiceStatus.DEGRADED,
    ServiceStatus.UNKNOWN,
)


def worst_status(reported: Iterable[ServiceStatus]) -> ServiceStatus:
    """Return the most severe of the reported statuses; OPERATIONAL if nothing is reported."""
    found = set(reported)
    return next((each for each in _BY_SEVERITY if each in found), ServiceStatus.OPERATIONAL)


class Phase(StrEnum):
    """How far the handling of a service's current status is."""

    HANDLED = "handled"
    """The same status was handled last."""
    INCONCLUSIVE = "inconclusive"
    """Neither DOWN nor OPERATIONAL."""
    WAITING = "waiting"
    """To be handled, but not yet: see `WaitReason`."""
    DOWN = "down"
    """A new outage, to be handled now."""
    UP = "up"
    """A recovery, to be handled now."""


class TicketState(StrEnum):
    """The latest outage ticket of a service, relative to the current status of the service."""

    NONE = "none"
    """No ticket is live, and none can be re-opened."""
    REOPENABLE = "reopenable"
    """`system` closed it for a recovery, shortly before the service went DOWN again."""
    UNHANDLED = "unhandled"
    """It is live, and no user has acted on it."""
    WORKFLOW_RETIRED = "workflow_retired"
    """Like UNHANDLED, but its workflow is retired, so not even `system` can move it."""
    HANDLED = "handled"
    """It is live, and a user has acted on it."""


class OutageAction(StrEnum):
    """What Interlock does about the status of a service."""

    NOTHING = "nothing"
    WAIT = "wait"
    """Nothing yet; the status stays unhandled."""
    OPEN = "open"
    REOPEN = "reopen"
    CLOSE = "close"
    COMMENT = "comment"

    @property
    def writes(self) -> bool:
        """Whether the action writes to a ticket."""
        return self not in {OutageAction.NOTHING, OutageAction.WAIT}


class WaitReason(StrEnum):
    """Why the status of a service waits to be handled; `reason` in the response to a report."""

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
"""The action for each phase of a service and state of its ticket. There is no other rule."""

_CONCLUSIVE: Final = frozenset({ServiceStatus.DOWN, ServiceStatus.OPERATIONAL})


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A monitored service at the time of a decision.

    Attributes:
        since: when the service took this status.
        message: the message that was reported with the status; may be empty.
        last_handled_status: DOWN, OPERATIONAL, or None if none was handled yet.
        service: the declaration; the last one if the service is retired.
        workflow_known, workflow_retired: about the workflow of new outage tickets.
        enabled: whether ticketing is on.
        now: the time of the database.
        api_key: the name of the API key whose report changed the status to this one, if any.

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
    api_key: str | None = None

    @property
    def phase(self) -> Phase:
        """How far the handling of the status is, regardless of the ticket."""
        if self.status not in _CONCLUSIVE:
            return Phase.INCONCLUSIVE
        if self.status is self.last_handled_status:
            return Phase.HANDLED
        if self.blocker:
            return Phase.WAITING
        return Phase.DOWN if self.status is ServiceStatus.DOWN else Phase.UP

    @property
    def needs_handling(self) -> bool:
        """Whether the action depends on the latest ticket."""
        return self.phase in {Phase.DOWN, Phase.UP}

    @property
    def blocker(self) -> WaitReason | None:
        """Why the status cannot be handled now, regardless of the ticket; None if it can."""
        is_down = self.status is ServiceStatus.DOWN
        duration = self.now - self.since
        blockers = {
            WaitReason.PLUGIN_DISABLED: not self.enabled,
            WaitReason.SERVICE_RETIRED: is_down and self.retired,
            WaitReason.AUTO_TICKET_OFF: is_down and not self.service.auto_ticket,
            WaitReason.HOLD_DOWN: is_down and duration < parse_delay(self.service.hold_down),
            WaitReason.WORKFLOW_UNKNOWN: is_down and not self.workflow_known,
            WaitReason.WORKFLOW_RETIRED: is_down and self.workflow_retired,
        }
        return next((reason for reason, applies in blockers.items() if applies), None)

    def last_handled_after(self, action: OutageAction) -> ServiceStatus | None:
        """Return the status that was handled last once the action is done."""
        is_handled = self.status in _CONCLUSIVE and action is not OutageAction.WAIT
        return self.status if is_handled else self.last_handled_status


@dataclass(frozen=True, slots=True)
class OutageTicket:
    """The latest outage ticket of a service, with its whole history.

    Attributes:
        workflow_retired: whether its workflow is retired, so that not even `system` can move it.

    """

    ticket: Ticket
    history: Sequence[Entry]
    workflow_retired: bool

    @property
    def handled_by_user(self) -> bool:
        """Whether any entry of the history is by an actor other than `system`."""
        return any(entry.actor != SYSTEM for entry in self.history)

    def closed_for_recovery(self, within: timedelta, before: datetime) -> bool:
        """Return whether `system` closed the ticket for a recovery, at most so long `before`."""
        transitions = [entry for entry in self.history if entry.kind is EntryKind.STATUS]
        if not transitions or not within:
            return False
        last = transitions[-1]
        return system_reason(last) is SystemReason.SERVICE_RECOVERED and before - last.at <= within


@dataclass(frozen=True, slots=True)
class UnhandledService:
    """A service whose status waits to be handled, and its latest outage ticket if it had any."""

    state: ServiceState
    latest: OutageTicket | None


def ticket_state(state: ServiceState, latest: OutageTicket | None) -> TicketState:
    """Classify the latest outage ticket relative to the current status of its service."""
    if latest is None:
        return TicketState.NONE
    if latest.ticket.status is Status.CLOSED:
        reopen_within = parse_delay(state.service.reopen_within)
        reopenable = latest.closed_for_recovery(reopen_within, before=state.since)
        if reopenable and not latest.workflow_retired:
            return TicketState.REOPENABLE
        return TicketState.NONE
    if latest.handled_by_user:
        return TicketState.HANDLED
    return TicketState.WORKFLOW_RETIRED if latest.workflow_retired else TicketState.UNHANDLED


def decide(state: ServiceState, latest: OutageTicket | None) -> OutageAction:
    """Return what to do about the status of a service."""
    return DECISION_TABLE[state.phase][ticket_state(state, latest)]


def wait_reason(state: ServiceState) -> WaitReason:
    """Return why a service waits, if the decision is to wait."""
    return state.blocker or WaitReason.WORKFLOW_RETIRED


def outage_opening(state: ServiceState, terms: SlaTerms) -> Opening:
    """Return the content of a new outage ticket."""
    service = state.service
    return Opening(
        title=outage_title(service.path),
        description=state.message,
        priority=OUTAGE_PRIORITY,
        workflow=service.workflow,
        assignee_group=service.sla_group,
        service=service.path,
        key=state.api_key,
        sla=targets_for(OUTAGE_PRIORITY, terms),
    )


def outage_title(path: str) -> str:
    """Return the title of an outage ticket; a long path keeps its end, which says more."""
    title = f"{path} is DOWN"
    return title if len(title) <= TITLE_CHARACTERS else f"…{title[1 - TITLE_CHARACTERS :]}"


def outage_change(action: OutageAction, state: ServiceState, ticket: Ticket) -> Change:
    """Return the change that closes, re-opens or comments on an outage ticket."""
    is_down = state.status is ServiceStatus.DOWN
    reason = SystemReason.SERVICE_DOWN_AGAIN if is_down else SystemReason.SERVICE_RECOVERED
    details = outage_details(reason, state.service.path, state.since, state.api_key)
    if action is OutageAction.COMMENT:
        return Change(EntryKind.COMMENT, None, _comment_text(state), details)
    status = Status.OPEN if action is OutageAction.REOPEN else Status.CLOSED
    return Change(EntryKind.STATUS, ticket.status, status, details)


def _comment_text(state: ServiceState) -> str:
    news = outage_news(state.service.path, state.status, state.since)
    return f"{news} {state.message}".rstrip()


def outage_news(path: str, status: ServiceStatus, since: datetime) -> str:
    """Return the beginning of a comment about a service that is DOWN again, or OPERATIONAL."""
    news = "is DOWN again" if status is ServiceStatus.DOWN else "has recovered"
    at = since.astimezone(UTC).isoformat(" ", "seconds").removesuffix("+00:00")
    return f"{path} {news}: {status} since {at} UTC."
