"""The audit reports a change that `system` had no reason for, although all digests fit."""

from collections.abc import Callable

import pytest

from engine.tickets.changes import Change
from engine.tickets.history import EntryKind
from engine.tickets.system_actor import SYSTEM_ACTOR, SystemReason
from engine.vocabulary import ServiceStatus
from tests.support.ticket_desk import (
    PATH,
    TRANSITIONS,
    Desk,
    first_desk,
    item,
    service,
    workflow,
)
from tests.support.ticket_stories import (
    CLOSED,
    IN_PROGRESS,
    OPEN,
    RESOLVED,
    Case,
    after,
    append,
    assert_reported,
    auto_closed,
    comment,
    move,
    of_outage,
    opened_from,
    outage,
    retired,
    ticket_in,
    waiting,
)

DOWN, OPERATIONAL = ServiceStatus.DOWN, ServiceStatus.OPERATIONAL

CHANGES_BY_SYSTEM: dict[str, Case] = {
    "a transition without a reason": (
        lambda: append(ticket_in(OPEN), SYSTEM_ACTOR, move(OPEN, IN_PROGRESS)),
        "system cannot make the transition OPEN -> IN_PROGRESS because of None",
    ),
    "an edit": (
        lambda: append(
            ticket_in(OPEN), SYSTEM_ACTOR, Change(EntryKind.TITLE, "Payments fail", "Cards fail")
        ),
        "system cannot make an entry of kind title",
    ),
    "closing before the grace period is over": (
        lambda: auto_closed(ticket_in(RESOLVED), seconds=259_200),
        "the grace period ends at 2026-05-01T12:00:03.000000Z",
    ),
    "closing after another grace period than the declared one": (
        lambda: auto_closed(ticket_in(RESOLVED), seconds=259_201, period="1h"),
        "its details are not those of the grace period at that time, which is 72h",
    ),
    "closing in a workflow without a grace period": (
        lambda: auto_closed(
            after(ticket_in(RESOLVED), workflow("flow", TRANSITIONS[0], "never")), seconds=259_201
        ),
        "its details are not those of the grace period at that time, which is none",
    ),
    "closing in a retired workflow": (
        lambda: auto_closed(after(desk := ticket_in(RESOLVED), retired(desk)), seconds=259_201),
        "its details are not those of the grace period at that time, which is none",
    ),
    "closing for a recovery, although a user handled the ticket": (
        lambda: append(
            desk := outage(DOWN, handled=True),
            SYSTEM_ACTOR,
            move(OPEN, CLOSED, of_outage(desk, SystemReason.SERVICE_RECOVERED)),
        ),
        "a user had handled the ticket, so system could not close it",
    ),
    "closing for the recovery of another service": (
        lambda: append(
            desk := outage(DOWN),
            SYSTEM_ACTOR,
            move(OPEN, CLOSED, of_outage(desk, SystemReason.SERVICE_RECOVERED, "acme/other")),
        ),
        "its details are not those of an outage of the service of the ticket",
    ),
    "closing for a recovery that something else than an API key reported": (
        lambda: append(
            desk := outage(DOWN),
            SYSTEM_ACTOR,
            move(OPEN, CLOSED, of_outage(desk, SystemReason.SERVICE_RECOVERED, key="my key")),
        ),
        "its details are not those of an outage of the service of the ticket",
    ),
    "re-opening what a user closed": (
        lambda: append(
            desk := ticket_in(CLOSED),
            SYSTEM_ACTOR,
            move(CLOSED, OPEN, of_outage(desk, SystemReason.SERVICE_DOWN_AGAIN)),
        ),
        "system had not closed the ticket because of a recovery",
    ),
    "re-opening for another service": (
        lambda: append(
            desk := outage(DOWN, OPERATIONAL),
            SYSTEM_ACTOR,
            move(CLOSED, OPEN, of_outage(desk, SystemReason.SERVICE_DOWN_AGAIN, "acme/other")),
        ),
        "its details are not those of an outage of the service of the ticket",
    ),
    "re-opening too late": (
        lambda: append(
            waiting(desk := outage(DOWN, OPERATIONAL), minutes=31),
            SYSTEM_ACTOR,
            move(CLOSED, OPEN, of_outage(desk, SystemReason.SERVICE_DOWN_AGAIN)),
        ),
        "the service was not DOWN again within the declared time for re-opening",
    ),
    "a comment although no user handled the ticket": (
        lambda: append(
            desk := outage(DOWN),
            SYSTEM_ACTOR,
            comment("Up", of_outage(desk, SystemReason.SERVICE_RECOVERED)),
        ),
        "no user had handled the ticket, so system could not comment on it",
    ),
    "a comment on a CLOSED ticket": (
        lambda: append(
            desk := ticket_in(CLOSED),
            SYSTEM_ACTOR,
            comment("Up", of_outage(desk, SystemReason.SERVICE_RECOVERED)),
        ),
        "the ticket was CLOSED at that time",
    ),
    "a comment on a ticket without a service": (
        lambda: append(
            desk := ticket_in(OPEN),
            SYSTEM_ACTOR,
            comment("Up", of_outage(desk, SystemReason.SERVICE_RECOVERED)),
        ),
        "its details are not those of an outage of the service of the ticket",
    ),
    "a comment with another text": (
        lambda: append(
            desk := outage(DOWN, handled=True),
            SYSTEM_ACTOR,
            comment("Up", of_outage(desk, SystemReason.SERVICE_RECOVERED)),
        ),
        "its text is not that of an outage",
    ),
    "a comment about a service that opens no tickets": (
        lambda: append(
            after(
                desk := outage(DOWN, handled=True),
                service("flow", auto=False, hold="0s", reopen="0s"),
            ),
            SYSTEM_ACTOR,
            comment(
                f"{PATH} is DOWN again: DOWN since 2026-04-28 12:02:01 UTC.",
                of_outage(desk, SystemReason.SERVICE_DOWN_AGAIN),
            ),
        ),
        f"outages of {PATH} did not open tickets at that time",
    ),
    "a breach that has not happened": (
        lambda: append(
            ticket_in(OPEN), SYSTEM_ACTOR, Change(EntryKind.SLA_BREACH, None, "response", "{}")
        ),
        "the SLA target of the response was not missed then, or is recorded before",
    ),
    "a breach of a ticket without SLA targets": (
        lambda: append(
            opened_from(item("flow", "HIGH", "payment-team"), first_desk(), item=None, sla=None),
            SYSTEM_ACTOR,
            Change(EntryKind.SLA_BREACH, None, "response", "{}"),
        ),
        "the ticket has no SLA targets",
    ),
}


@pytest.mark.parametrize(("build", "message"), CHANGES_BY_SYSTEM.values(), ids=CHANGES_BY_SYSTEM)
def test_an_entry_that_breaks_a_rule_is_reported(build: Callable[[], Desk], message: str) -> None:
    assert_reported(build, message)
