"""The grace period runs while a ticket is RESOLVED and its requester is quiet."""

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
ANNA_SAYS, MARTON_SAYS = ((EntryKind.COMMENT, "Well", actor) for actor in ("u_b1", "u_c4"))
SINCE = {
    "before it is resolved": ([ANNA_SAYS], None),
    "since it was resolved": ([ANNA_SAYS, RESOLVED], after(2)),
    "since the requester said something": ([RESOLVED, ANNA_SAYS], after(2)),
    "whatever others say": ([RESOLVED, MARTON_SAYS], after(1)),
    "whatever the requester notes or edits": (
        [RESOLVED, (EntryKind.TITLE, "New", "u_b1"), (EntryKind.NOTE, "Well", "u_b1")],
        after(1),
    ),
    "not once it is re-opened": ([RESOLVED, (EntryKind.STATUS, "IN_PROGRESS", "u_b1")], None),
    "not once it is closed": ([RESOLVED, (EntryKind.STATUS, "CLOSED", "u_b1")], None),
    "since it was resolved again": (
        [RESOLVED, ANNA_SAYS, (EntryKind.STATUS, "OPEN", "u_b1"), RESOLVED],
        after(4),
    ),
}


@pytest.mark.parametrize(("steps", "since"), SINCE.values(), ids=SINCE)
def test_the_requester_is_quiet(
    steps: list[tuple[EntryKind, str, str]], since: datetime | None
) -> None:
    told = history(*steps)
    assert auto_close_from(rebuild_ticket(told), told) == since


def test_of_a_ticket_without_a_requester_nobody_is_waited_for() -> None:
    told = history(RESOLVED, ANNA_SAYS)
    ticket = rebuild_ticket(told)._replace(requester=None)
    assert auto_close_from(ticket, told) == after(1)


ENDING = policy_of([(Status.RESOLVED, Status.CLOSED, Role.REQUESTER)])
ENDLESS = policy_of([(Status.RESOLVED, Status.IN_PROGRESS, Role.ANY)])


def test_the_system_closes_only_where_somebody_may() -> None:
    assert grace_period_of(ENDING, "72h") == "72h"
    assert grace_period_of(ENDING, "never") is None
    assert grace_period_of(ENDLESS, "72h") is None


def test_a_closing_says_why() -> None:
    change = auto_close_change(NOON, "P3D")
    assert (change.kind, change.old, change.new) == (EntryKind.STATUS, "RESOLVED", "CLOSED")
    assert change.details == (
        '{"reason": "grace_period_over", "auto_close_from": "2026-04-28T12:00:00.000000Z",'
        ' "grace_period": "P3D"}'
    )
