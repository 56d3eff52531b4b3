"""The one hierarchy of refusals: each has a stable code, an HTTP status, and structured details."""

import inspect
from collections.abc import Mapping, Sequence
from typing import ClassVar

from engine.findings import Finding


class InterlockError(Exception):
    """Something went wrong that the caller can act on.

    The docstring of each class below is its message where nothing more exact is known: what is
    wrong, and the way out.

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
    """The request is not of the form that this operation takes: correct it and send it again."""

    code = "invalid_input"
    status = 400


class InvalidDeclaration(InvalidInput):
    """The declaration has errors: correct every one that is listed."""

    code = "invalid_declaration"

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        facts = [finding.facts for finding in self.findings]
        super().__init__("\n".join(map(str, self.findings)), findings=facts)


class InvalidPlan(InvalidInput):
    """The document is not a plan as it was made: save it again with `interlock plan --out`."""

    code = "invalid_plan"


class InvalidBackup(InvalidInput):
    """The file is not a whole backup, or the database is not empty: nothing was restored."""

    code = "invalid_backup"


class Unauthenticated(InterlockError):
    """A valid token is required: send `Authorization: Bearer <token>`."""

    code = "unauthenticated"
    status = 401


class NotFound(InterlockError):
    """There is nothing of that name or id: check the spelling, or list what there is."""

    code = "not_found"
    status = 404


class Forbidden(InterlockError):
    """The actor may not do this: ask one of those whom the details name."""

    code = "forbidden"
    status = 403


class ForbiddenTransition(Forbidden):
    """The workflow does not allow this move to this actor: the details tell who could make it."""

    code = "forbidden_transition"


class TicketClosed(Forbidden):
    """The ticket is CLOSED and takes comments only: open a new one."""

    code = "ticket_closed"


class WorkflowRetired(Forbidden):
    """The workflow is retired: declare a workflow of that name again, or choose another."""

    code = "workflow_retired"


class ItemRetired(Forbidden):
    """The catalog item is retired: choose another, or open a ticket from an empty form."""

    code = "item_retired"


class PluginDisabled(Forbidden):
    """A part of the product is off: the details tell why, and so who could switch it on."""

    code = "plugin_disabled"


class VersionConflict(InterlockError):
    """The ticket has moved on: read it again and decide anew; the details carry its version."""

    code = "version_conflict"
    status = 409


class IdempotencyConflict(InterlockError):
    """The idempotency key stands for another request of this actor: use a new one."""

    code = "idempotency_conflict"
    status = 409


class StalePlan(InterlockError):
    """What the plan was made for has changed since: make a new plan and look at it again."""

    code = "stale_plan"
    status = 409


class PlanApplied(StalePlan):
    """A plan is applied once, and this one was: make a new one."""

    code = "plan_applied"


class LockHeld(InterlockError):
    """Another reconciles right now: wait for them, or add --wait."""

    code = "lock_held"
    status = 409


class RefusedByGuard(Forbidden):
    """The plan can do harm that nobody said is meant: add what the details name if it is."""

    code = "refused_by_guard"


class Misconfigured(InterlockError):
    """A setting is missing or unusable: set it as the message says."""

    code = "misconfigured"


class Unavailable(InterlockError):
    """A part that this operation needs does not answer: try again."""

    code = "unavailable"
    status = 503
