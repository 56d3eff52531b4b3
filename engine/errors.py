"""The errors that callers can act on: each has a stable code, an HTTP status and details."""

import inspect
from collections.abc import Mapping, Sequence
from secrets import randbelow
from typing import ClassVar

from engine.findings import Finding
from engine.limits import RETRY_AFTER_SECONDS_MAX


class InterlockError(Exception):
    """An error that the caller can act on.

    The docstring of each subclass is its default message: what is wrong, and what to do.

    Class attributes:
        code: the stable code for clients.
        status: the HTTP status of the response.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(self, message: str = "", **details: object) -> None:
        self.message = message or inspect.cleandoc(type(self).__doc__ or "")
        self.details: Mapping[str, object] = details
        super().__init__(self.message)


class InvalidInput(InterlockError):
    """The request is invalid. Correct it and send it again."""

    code = "invalid_input"
    status = 400


class LimitExceeded(InvalidInput):
    """The request exceeds a limit. Ask for less; the details name the limit and its bound."""

    code = "limit_exceeded"
    status = 422


class InvalidDeclaration(InvalidInput):
    """The declaration has errors. Correct all of them."""

    code = "invalid_declaration"

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        facts = [finding.facts for finding in self.findings]
        super().__init__("\n".join(map(str, self.findings)), findings=facts)


class UnknownUser(InvalidInput):
    """No user with this id has signed in. Use the id of a known user."""

    code = "unknown_user"


class UnknownGroup(InvalidInput):
    """No token and no declaration names this group. Use a known group, or declare this one."""

    code = "unknown_group"


class InvalidPlan(InvalidInput):
    """The document is not a valid plan. Save the plan again with `interlock plan --out`."""

    code = "invalid_plan"


class InvalidBackup(InvalidInput):
    """Nothing was restored. Use a complete backup and an empty database."""

    code = "invalid_backup"


class Unauthenticated(InterlockError):
    """A valid token is required. Send the header `Authorization: Bearer <token>`."""

    code = "unauthenticated"
    status = 401


class NotFound(InterlockError):
    """The requested object does not exist. Check its name or id."""

    code = "not_found"
    status = 404


class Forbidden(InterlockError):
    """You do not have permission to do this. The details name who does."""

    code = "forbidden"
    status = 403


class ForbiddenTransition(Forbidden):
    """You cannot make this transition. The details name the roles that can."""

    code = "forbidden_transition"


class TicketClosed(Forbidden):
    """The ticket is CLOSED, so you can only comment on it. Open a new ticket."""

    code = "ticket_closed"


class WorkflowRetired(Forbidden):
    """The workflow is retired. Choose another one, or declare it again."""

    code = "workflow_retired"


class ItemRetired(Forbidden):
    """The catalog item is retired. Choose another item, or open a ticket without one."""

    code = "item_retired"


class PluginDisabled(Forbidden):
    """The plugin is off. The details contain the reason."""

    code = "plugin_disabled"


class VersionConflict(InterlockError):
    """The ticket was changed. Read it again; the details contain its version."""

    code = "version_conflict"
    status = 409


class IdempotencyConflict(InterlockError):
    """You used this idempotency key for another request. Send a new key."""

    code = "idempotency_conflict"
    status = 409


class PositionLost(InterlockError):
    """The database lost changes up to this position. Read again, and take a new position."""

    code = "position_lost"
    status = 410


class StalePlan(InterlockError):
    """The resources changed after the plan was made. Make and review a new plan."""

    code = "stale_plan"
    status = 409


class PlanApplied(StalePlan):
    """The plan was already applied. Make a new plan."""

    code = "plan_applied"


class PlanNotApplied(InterlockError):
    """The plan was never applied. Check whether this is the right database."""

    code = "plan_not_applied"
    status = 409


class LockHeld(InterlockError):
    """Another reconciliation is running. Retry later or pass --wait."""

    code = "lock_held"
    status = 409


class RefusedByGuard(Forbidden):
    """The plan has hazards that were not acknowledged. Pass the listed flags."""

    code = "refused_by_guard"


class Misconfigured(InterlockError):
    """A setting is missing or invalid. Set it as the message describes."""

    code = "misconfigured"


class CorruptRecord(InterlockError):
    """A stored declaration is not valid. Run `interlock history verify`, and restore a backup."""

    code = "corrupt_record"


class Unavailable(InterlockError):
    """A required service does not respond. Try again."""

    code = "unavailable"
    status = 503

    # The seconds to wait are random, so that clients do not all come back at the same time.
    def __init__(self, message: str = "", **details: object) -> None:
        retry_after = 1 + randbelow(RETRY_AFTER_SECONDS_MAX)
        super().__init__(message, **details, retry_after=retry_after)


class DeadlineExceeded(Unavailable):
    """The request took too long and was stopped. A change may have happened: check first."""

    code = "deadline_exceeded"


class Overloaded(Unavailable):
    """The server has too much to do, and changed nothing. Wait for the seconds in `Retry-After`."""

    code = "overloaded"


class TooManyRequests(InterlockError):
    """You sent too many requests. Wait for the seconds in `Retry-After`."""

    code = "too_many_requests"
    status = 429
