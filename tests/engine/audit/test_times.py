"""The audit reports an entry that was not possible at its time, although all digests fit."""

from collections.abc import Callable

import pytest

from engine.declaration.models import Switch
from engine.resources.resource import ENABLED, Kind, Resource
from tests.support.personas import ANNA, MARTON
from tests.support.ticket_desk import (
    TRANSITIONS,
    Desk,
    workflow,
)
from tests.support.ticket_stories import (
    IN_PROGRESS,
    OPEN,
    Case,
    after,
    append,
    assert_reported,
    comment,
    declared_later,
    move,
    retired,
    switched_off,
    ticket_in,
)

TIMES: dict[str, Case] = {
    "an unknown revision": (
        lambda: append(ticket_in(OPEN), ANNA, comment("Hello"), workflow_revision=99_999),
        "there is no revision 99999",
    ),
    "a revision of another workflow": (
        lambda: append(ticket_in(OPEN), ANNA, comment("Hello"), workflow_revision=2),
        "revision 2 is one of other, not of flow",
    ),
    "a revision that was replaced": (
        lambda: append(
            after(ticket_in(OPEN), workflow("flow", TRANSITIONS[1])),
            ANNA,
            comment("Hello"),
            workflow_revision=1,
        ),
        "revision 1 was replaced before, at 2026-04-28T12:00:01.000000Z",
    ),
    "a revision that was not declared yet": (
        declared_later,
        "revision 3 was declared later, at 2026-04-28T12:01:02.000000Z",
    ),
    "a transition in a retired workflow": (
        lambda: append(
            after(desk := ticket_in(OPEN), retired(desk)), MARTON, move(OPEN, IN_PROGRESS)
        ),
        "the workflow flow was retired at 2026-04-28T12:00:01.000000Z",
    ),
    "a change while ticketing was declared off": (
        lambda: append(
            after(ticket_in(OPEN), Resource.of(Kind.SETTING, ENABLED, Switch(enabled=False))),
            ANNA,
            comment("Hello"),
        ),
        "ticketing was off at that time",
    ),
    "a change while ticketing was switched off": (
        lambda: append(switched_off(), ANNA, comment("Hello")),
        "ticketing was off at that time",
    ),
    "an entry before the previous one": (
        lambda: append(desk := ticket_in(OPEN), ANNA, comment("Hello"), at=desk.tickets[-1][0].at),
        "its time is before that of the previous entry",
    ),
}


@pytest.mark.parametrize(("build", "message"), TIMES.values(), ids=TIMES)
def test_an_entry_that_breaks_a_rule_is_reported(build: Callable[[], Desk], message: str) -> None:
    assert_reported(build, message)
