"""The response to health reports: the status of a service, and what Interlock did."""

from enum import StrEnum
from typing import Final, Self

from api.rest.models import ResponseModel, Timestamp
from engine.outages.policy import OutageAction, WaitReason
from engine.storage.outages.reconcile_tickets import OutageResult
from engine.vocabulary import ServiceStatus


class ReportOutcome(StrEnum):
    """What Interlock did after a health report."""

    UNCHANGED = "unchanged"
    WAITING = "waiting"
    OPENED = "opened"
    REOPENED = "reopened"
    CLOSED = "closed"
    COMMENTED = "commented"


_OUTCOMES: Final = {
    OutageAction.NOTHING: ReportOutcome.UNCHANGED,
    OutageAction.WAIT: ReportOutcome.WAITING,
    OutageAction.OPEN: ReportOutcome.OPENED,
    OutageAction.REOPEN: ReportOutcome.REOPENED,
    OutageAction.CLOSE: ReportOutcome.CLOSED,
    OutageAction.COMMENT: ReportOutcome.COMMENTED,
}
_DETAILS: Final = {
    WaitReason.PLUGIN_DISABLED: "Ticketing is off. Interlock acts when ticketing is on again.",
    WaitReason.SERVICE_RETIRED: "The service is no longer declared, so it opens no tickets.",
    WaitReason.AUTO_TICKET_OFF: "The service opens no tickets: autoTicket is false.",
    WaitReason.HOLD_DOWN: "Interlock opens a ticket when the service has been DOWN for holdDown.",
    WaitReason.WORKFLOW_UNKNOWN: "The workflow of the service is not declared. Interlock opens a"
    " ticket when it is.",
    WaitReason.WORKFLOW_RETIRED: "The workflow is retired. Interlock acts when it is declared"
    " again.",
}


class ServiceResponse(ResponseModel):
    """The status of a service, and what Interlock did."""

    service: str
    """The path of the service."""
    status: ServiceStatus
    """The most severe status that its sources report."""
    since: Timestamp
    """Since when the service has this status."""
    reported_at: Timestamp
    """When the last report came."""
    message: str
    """What is wrong, human-readable."""
    outcome: ReportOutcome
    """What Interlock did."""
    ticket: str | None
    """The id of the ticket that was changed, or else of the live ticket, if any."""
    reason: WaitReason | None
    """What Interlock waits for, if anything."""
    detail: str | None
    """The reason, human-readable."""

    @classmethod
    def of(cls, result: OutageResult) -> Self:
        """Return the response for the result of handling a service."""
        health, reason = result.health, result.wait_reason
        return cls(
            service=health.service,
            status=health.status,
            since=health.since,
            reported_at=health.reported_at,
            message=health.message,
            outcome=_OUTCOMES[result.action],
            ticket=result.ticket,
            reason=reason,
            detail=None if reason is None else _DETAILS[reason],
        )
