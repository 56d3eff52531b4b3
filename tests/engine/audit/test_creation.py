"""The audit reports a ticket that could not be created like that, although all digests fit."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.resources.resource import Kind, Resource
from engine.tickets.actor import Actor
from engine.tickets.sla_targets import TicketTargets
from engine.vocabulary import SYSTEM
from tests.support.personas import ADA, ANNA, MARTON
from tests.support.resources import on_behalf
from tests.support.ticket_desk import (
    PATH,
    Desk,
    first_desk,
    item,
)
from tests.support.ticket_stories import (
    Case,
    after,
    assert_reported,
    opened_from,
    retired,
    waiting,
)


def with_invalid_items(desk: Desk) -> Desk:
    """Return the desk with recorded items that no server could have declared."""
    desk.changes = [
        each._replace(resource=replace(each.resource, declaration="{}"))
        if each.resource.key.kind is Kind.ITEM
        else each
        for each in desk.changes
    ]
    return desk


def opened_for(
    group: str | None,
    *,
    declared_at: tuple[Resource, ...] = (),
    actor: Actor = ANNA,
    requester: str | None = MARTON.id,
) -> Desk:
    """Let a user open a ticket for another one, after settings that were declared in turn."""
    desk = first_desk()
    for setting in declared_at:
        desk.put(setting)
        waiting(desk, minutes=1)
    declared = item("flow", "HIGH", "payment-team")
    return opened_from(declared, desk, actor=actor, requester=requester, on_behalf_group=group)


CREATIONS: dict[str, Case] = {
    "from an item that was not declared like that": (
        lambda: opened_from(item("flow", "CRITICAL", "payment-team"), first_desk()),
        "no declaration of the catalog item vpn at that time opens such a ticket",
    ),
    "from a retired item": (
        lambda: opened_from(
            declared := item("flow", "HIGH", "payment-team"),
            after(first_desk(), replace(declared, retired=True)),
        ),
        "no declaration of the catalog item vpn at that time opens such a ticket",
    ),
    "from an item, with an assignee": (
        lambda: opened_from(item("flow", "HIGH", None), first_desk(), assignee=ANNA.id),
        "a ticket from the catalog has no assignee at first",
    ),
    "with other SLA targets": (
        lambda: opened_from(item("flow", "HIGH", "payment-team"), first_desk(), sla=None),
        "its SLA targets are not those that were declared or requested at that time",
    ),
    "from a form, with an SLA target of no time": (
        lambda: opened_from(
            item("flow", "HIGH", "payment-team"),
            first_desk(),
            item=None,
            sla=TicketTargets(timedelta(0), timedelta(hours=1), ANNA.id),
        ),
        "an SLA target is not positive",
    ),
    "from a form, with SLA targets of a requester without a group": (
        lambda: opened_from(
            item("flow", "HIGH", None),
            first_desk(),
            item=None,
            sla=TicketTargets(timedelta(minutes=1), timedelta(hours=1), ANNA.id),
        ),
        "only admins and members of the assignee group state SLA targets of their own",
    ),
    "from an item whose recorded declaration is not valid": (
        lambda: with_invalid_items(opened_from(item("flow", "HIGH", "payment-team"), first_desk())),
        "its content is not a valid change of a ticket",
    ),
    "for another user, by neither an admin nor a member of a group": (
        lambda: opened_from(
            item("flow", "HIGH", "payment-team"), first_desk(), requester=MARTON.id
        ),
        "only admins and members of a group create a ticket for u_c4",
    ),
    "for another user, as a member of another group": (
        lambda: opened_for("ops", declared_at=(on_behalf("service-desk"),)),
        "no declaration at that time lets members of ops create tickets for other users",
    ),
    "for another user, by a group that is no longer declared": (
        lambda: opened_for("ops", declared_at=(on_behalf("ops"), on_behalf("service-desk"))),
        "no declaration at that time lets members of ops create tickets for other users",
    ),
    "for another user, by a group and as an admin": (
        lambda: opened_for("ops", declared_at=(on_behalf("ops"),), actor=ADA),
        "no declaration at that time lets members of ops create tickets for other users",
    ),
    "for the actor, by a group": (
        lambda: opened_for("ops", declared_at=(on_behalf("ops"),), requester=ANNA.id),
        "a user who creates a ticket is its requester, and not its assignee yet",
    ),
    "without a requester": (
        lambda: opened_for(None, requester=None),
        "a ticket that a user creates has a user as its requester",
    ),
    "for system": (
        lambda: opened_for(None, requester=SYSTEM, actor=ADA),
        "a ticket that a user creates has a user as its requester",
    ),
    "for an outage": (
        lambda: opened_from(item("flow", "HIGH", "payment-team"), first_desk(), service=PATH),
        "only system creates tickets for outages",
    ),
    "by a user, with an API key": (
        lambda: opened_from(item("flow", "HIGH", "payment-team"), first_desk(), key="1a2b3c4d"),
        "only a ticket for an outage names an API key",
    ),
    "in a retired workflow": (
        lambda: opened_from(
            item("flow", "HIGH", "payment-team"), after(desk := first_desk(), retired(desk))
        ),
        "the workflow flow was retired at 2026-04-28T12:00:00.000000Z",
    ),
    "with a blank title": (
        lambda: opened_from(item("flow", "HIGH", "payment-team"), first_desk(), title=" "),
        "a text of the new ticket is blank",
    ),
}


@pytest.mark.parametrize(("build", "message"), CREATIONS.values(), ids=CREATIONS)
def test_an_entry_that_breaks_a_rule_is_reported(build: Callable[[], Desk], message: str) -> None:
    assert_reported(build, message)
