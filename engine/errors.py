"""The one hierarchy of refusals: each has a stable code, an HTTP status, and structured details."""

import inspect
from collections.abc import Mapping, Sequence
from typing import ClassVar

from engine.findings import Finding


class InterlockError(Exception):
    """Something went wrong that the caller can act on.

    Class attributes:
        code: stable; what a client switches on.
        status: the HTTP status that a door answers with.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(self, message: str = "", **details: object) -> None:
        self.message = message or inspect.cleandoc(type(self).__doc__ or "")
        self.details: Mapping[str, object] = details
        super().__init__(self.message)


class InvalidInput(InterlockError):
    """The request is not of the form that this operation takes."""

    code = "invalid_input"
    status = 400


class InvalidDeclaration(InvalidInput):
    """The declaration has errors; every one of them is listed."""

    code = "invalid_declaration"

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(map(str, self.findings)))


class InvalidPlan(InvalidInput):
    """The document is no plan, or it was edited or cut off after it was made."""

    code = "invalid_plan"


class Unauthenticated(InterlockError):
    """A valid token is required: send `Authorization: Bearer <token>`."""

    code = "unauthenticated"
    status = 401


class NotFound(InterlockError):
    """There is no such thing."""

    code = "not_found"
    status = 404


class Forbidden(InterlockError):
    """The actor may not do this."""

    code = "forbidden"
    status = 403


class ForbiddenTransition(Forbidden):
    """The workflow does not allow this transition to this actor.

    `details` carries the sub-reason (`reason`) and the whole explanation.
    """

    code = "forbidden_transition"


class TicketClosed(Forbidden):
    """The ticket is CLOSED: it takes comments and nothing else."""

    code = "ticket_closed"


class WorkflowRetired(Forbidden):
    """The workflow is retired; declare a workflow of that name again."""

    code = "workflow_retired"


class Conflict(InterlockError):
    """The request does not fit what has happened meanwhile."""

    code = "conflict"
    status = 409


class VersionConflict(Conflict):
    """The ticket has moved on; `details` carries the current version."""

    code = "version_conflict"


class IdempotencyConflict(Conflict):
    """The idempotency key was already used by the same actor for a different request."""

    code = "idempotency_conflict"


class StalePlan(Conflict):
    """What the plan was made for has changed since; make a new plan and look at it again."""

    code = "stale_plan"


class PlanApplied(StalePlan):
    """The plan was applied already; a plan is applied once."""

    code = "plan_applied"


class LockHeld(Conflict):
    """Another reconciles right now; one at a time."""

    code = "lock_held"


class RefusedByGuard(Forbidden):
    """The plan would harm live tickets or widen rights, and nobody said that this is meant."""

    code = "refused_by_guard"


class Misconfigured(InterlockError):
    """A setting is missing or unusable; the message names it and what would be right."""

    code = "misconfigured"


class Unavailable(InterlockError):
    """A part that this operation needs does not answer; try again."""

    code = "unavailable"
    status = 503
