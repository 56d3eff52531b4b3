"""The codes and statuses of errors are stable, and every message says what to do."""

import re

import pytest

from engine import errors
from engine.errors import InterlockError, InvalidDeclaration, TicketClosed

CODES = {
    "internal": (errors.InterlockError, 500),
    "invalid_input": (errors.InvalidInput, 400),
    "invalid_declaration": (errors.InvalidDeclaration, 400),
    "limit_exceeded": (errors.LimitExceeded, 422),
    "unknown_user": (errors.UnknownUser, 400),
    "unknown_group": (errors.UnknownGroup, 400),
    "corrupt_record": (errors.CorruptRecord, 500),
    "unauthenticated": (errors.Unauthenticated, 401),
    "not_found": (errors.NotFound, 404),
    "forbidden": (errors.Forbidden, 403),
    "forbidden_transition": (errors.ForbiddenTransition, 403),
    "ticket_closed": (errors.TicketClosed, 403),
    "workflow_retired": (errors.WorkflowRetired, 403),
    "item_retired": (errors.ItemRetired, 403),
    "plugin_disabled": (errors.PluginDisabled, 403),
    "version_conflict": (errors.VersionConflict, 409),
    "idempotency_conflict": (errors.IdempotencyConflict, 409),
    "invalid_plan": (errors.InvalidPlan, 400),
    "invalid_backup": (errors.InvalidBackup, 400),
    "position_lost": (errors.PositionLost, 410),
    "stale_plan": (errors.StalePlan, 409),
    "plan_applied": (errors.PlanApplied, 409),
    "plan_not_applied": (errors.PlanNotApplied, 409),
    "lock_held": (errors.LockHeld, 409),
    "refused_by_guard": (errors.RefusedByGuard, 403),
    "misconfigured": (errors.Misconfigured, 500),
    "unavailable": (errors.Unavailable, 503),
    "deadline_exceeded": (errors.DeadlineExceeded, 503),
    "overloaded": (errors.Overloaded, 503),
    "too_many_requests": (errors.TooManyRequests, 429),
}
WITH_DEFAULT_MESSAGE = [
    kind for kind, _ in CODES.values() if kind not in {InterlockError, InvalidDeclaration}
]


@pytest.mark.parametrize(("code", "kind", "status"), [(c, *rest) for c, rest in CODES.items()])
def test_an_error_has_a_stable_code_and_status(
    code: str, kind: type[InterlockError], status: int
) -> None:
    assert (kind.code, kind.status) == (code, status)


def test_every_error_has_a_code_in_the_table() -> None:
    defined = {each for each in vars(errors).values() if isinstance(each, type)}
    assert {kind for kind, _ in CODES.values()} == {
        each for each in defined if issubclass(each, InterlockError)
    }


@pytest.mark.parametrize("kind", WITH_DEFAULT_MESSAGE, ids=lambda kind: kind.code)
def test_a_default_message_says_what_is_wrong_and_what_to_do(
    kind: type[InterlockError],
) -> None:
    assert re.fullmatch(r"[^\n.]+\. [^\n]+\.", kind().message)


def test_a_message_replaces_the_default_message() -> None:
    error = TicketClosed("tk_4f8e29 is CLOSED.", ticket="tk_4f8e29")
    assert (str(error), error.details) == ("tk_4f8e29 is CLOSED.", {"ticket": "tk_4f8e29"})
