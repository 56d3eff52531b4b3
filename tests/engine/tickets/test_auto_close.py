"""The grace period of a RESOLVED ticket restarts with each comment by its requester."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from engine.tickets.auto_close import auto_close_change, auto_close_from, grace_period_of
from engine.tickets.history import Entry, EntryKind
from engine.tickets.ticket import rebuild_ticket
from engine.vocabulary import Role, Status
from engine.workflows.policy import policy_of
from tests.support.ticket_examples import CREATED, NOON


def after(hours: int) -> datetime:
    return NOON + timedelta(hours=hours)


def history(*steps: tuple[EntryKind, str, str]) -> list[Entry]:
    """Return a history of steps an hour apart: kind, value, actor."""
    return [
        CREATED,
        *(
            replace(CREATED, seq=n + 1, at=after(n), kind=kind, new_value=value, actor=actor)
            for n, (kind, value, actor) in enumerate(steps, 1)
        ),
    ]


RESOLVED = (EntryKind.STATUS, "RESOLVED", "u_c4")
ANNA_COMMENTS, MARTON_COMMENTS = ((EntryKind.COMMENT, "Well", actor) for actor in ("u_b1", "u_c4"))
STARTS = {
    "before it is resolved": ([ANNA_COMMENTS], None),
    "since it was resolved": ([ANNA_COMMENTS, RESOLVED], after(2)),
    "since the last comment by the requester": ([RESOLVED, ANNA_COMMENTS], after(2)),
    "since it was resolved, despite comments by others": ([RESOLVED, MARTON_COMMENTS], after(1)),
    "since it was resolved, despite notes and edits by the requester": (
        [RESOLVED, (EntryKind.TITLE, "New", "u_b1"), (EntryKind.NOTE, "Well", "u_b1")],
        after(1),
    ),
    "not after it is re-opened": ([RESOLVED, (EntryKind.STATUS, "IN_PROGRESS", "u_b1")], None),
    "not after it is closed": ([RESOLVED, (EntryKind.STATUS, "CLOSED", "u_b1")], None),
    "since it was resolved again": (
        [RESOLVED, ANNA_COMMENTS, (EntryKind.STATUS, "OPEN", "u_b1"), RESOLVED],
        after(4),
    ),
}


@pytest.mark.parametrize(("steps", "since"), STARTS.values(), ids=STARTS)
def test_the_grace_period_runs(
    steps: list[tuple[EntryKind, str, str]], since: datetime | None
) -> None:
    entries = history(*steps)
    assert auto_close_from(rebuild_ticket(entries), entries) == since


def test_comments_do_not_matter_without_a_requester() -> None:
    entries = history(RESOLVED, ANNA_COMMENTS)
    ticket = rebuild_ticket(entries)._replace(requester=None)
    assert auto_close_from(ticket, entries) == after(1)


CLOSABLE = policy_of([(Status.RESOLVED, Status.CLOSED, Role.REQUESTER)])
NOT_CLOSABLE = policy_of([(Status.RESOLVED, Status.IN_PROGRESS, Role.ANY)])


def test_the_system_closes_only_tickets_that_a_user_can_close() -> None:
    assert grace_period_of(CLOSABLE, "72h") == "72h"
    assert grace_period_of(CLOSABLE, "never") is None
    assert grace_period_of(NOT_CLOSABLE, "72h") is None


def test_an_automatic_closing_has_a_reason() -> None:
    change = auto_close_change(NOON, "P3D")
    assert (change.kind, change.old, change.new) == (EntryKind.STATUS, "RESOLVED", "CLOSED")
    assert change.details == (
        '{"reason": "grace_period_over", "auto_close_from": "2026-04-28T12:00:00.000000Z",'
        ' "grace_period": "P3D"}'
    )
