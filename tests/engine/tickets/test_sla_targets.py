"""The SLA targets of a ticket, and their form in the details of an entry."""

from datetime import date, timedelta

import pytest

from engine.calendars import Calendar, Shift
from engine.declaration.models import CatalogItem
from engine.declaration.sla_models import PrioritySla, WorkingCalendar
from engine.errors import Forbidden
from engine.tickets.actor import Actor
from engine.tickets.changes import Change, requested_targets, with_targets
from engine.tickets.commands import CreateTicket
from engine.tickets.history import EntryKind
from engine.tickets.sla_targets import SlaTerms, TicketTargets, parse_targets, targets_for
from engine.vocabulary import Priority
from tests.support.personas import ADA, ANNA, MARTON

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

CALENDARS = {
    name: WorkingCalendar.model_validate(
        {
            "name": name,
            "timeZone": "Europe/Budapest",
            "hours": {"monday": ["09:00-12:00", "13:00-24:00"]},
            "holidays": ["2026-12-25"],
        }
    )
    for name in ("office", "nights")
}
DAY_SHIFTS = (Shift.parse("09:00-12:00"), Shift.parse("13:00-24:00"))
OFFICE, NIGHTS = (
    Calendar(name, "Europe/Budapest", (DAY_SHIFTS, *[()] * 6), frozenset({date(2026, 12, 25)}))
    for name in ("office", "nights")
)
DECLARED_SLA = PrioritySla.model_validate({"HIGH": {"response": "PT1M", "calendar": "office"}})
TERMS = SlaTerms(DECLARED_SLA, CALENDARS)


def item(**sla: str) -> CatalogItem:
    declared = {"name": "outage", "category": "c", "displayName": "O", "workflow": "w"}
    targets = {"sla": sla} if sla else {}
    return CatalogItem.model_validate(declared | targets | {"defaults": {"priority": "HIGH"}})


DEFAULTS = {
    Priority.CRITICAL: (5 * MINUTE, 2 * HOUR),
    Priority.HIGH: (30 * MINUTE, 8 * HOUR),
    Priority.MEDIUM: (2 * HOUR, DAY),
    Priority.LOW: (DAY, 5 * DAY),
}


@pytest.mark.parametrize("priority", Priority)
def test_a_priority_has_default_targets(priority: Priority) -> None:
    targets = DEFAULTS[priority]
    origin = f"the priority {priority}"
    assert targets_for(priority, SlaTerms()) == TicketTargets(
        *targets, origin=origin, by_priority=True
    )


OF_HIGH = TicketTargets(MINUTE, 8 * HOUR, "the priority HIGH", by_priority=True, calendar=OFFICE)
TARGETS: dict[str, tuple[CatalogItem | Priority, TicketTargets]] = {
    "a priority": (Priority.HIGH, OF_HIGH),
    "an item without targets": (item(), OF_HIGH),
    "an item with targets": (
        item(response="10m", resolution="4h"),
        TicketTargets(10 * MINUTE, 4 * HOUR, "the catalog item outage", calendar=OFFICE),
    ),
    "an item with a separate calendar": (
        item(response="10m", resolution="4h", calendar="nights"),
        TicketTargets(10 * MINUTE, 4 * HOUR, "the catalog item outage", calendar=NIGHTS),
    ),
    "an item with the calendar always": (
        item(response="10m", resolution="4h", calendar="always"),
        TicketTargets(10 * MINUTE, 4 * HOUR, "the catalog item outage"),
    ),
}


@pytest.mark.parametrize(("source", "targets"), TARGETS.values(), ids=TARGETS)
def test_the_targets_of(source: CatalogItem | Priority, targets: TicketTargets) -> None:
    assert targets_for(source, TERMS) == targets


REQUESTED: dict[str, tuple[dict[str, object] | None, TicketTargets | None]] = {
    "nothing": (None, None),
    "those of the priority": ({"by_priority": True}, OF_HIGH),
    "targets as text": (
        {"targets": {"response": "PT5M", "resolution": "1h30m"}},
        TicketTargets(5 * MINUTE, 90 * MINUTE, ADA.id),
    ),
    "targets as durations": (
        {"targets": {"response": MINUTE, "resolution": HOUR}},
        TicketTargets(MINUTE, HOUR, ADA.id),
    ),
}


@pytest.mark.parametrize(("sla", "targets"), REQUESTED.values(), ids=REQUESTED)
def test_the_requester_chooses(
    sla: dict[str, object] | None, targets: TicketTargets | None
) -> None:
    command = CreateTicket.parse(title="T", workflow="w", priority="HIGH", sla=sla)
    assert requested_targets(command, ADA, TERMS) == targets


OWN_TARGETS: dict[str, tuple[Actor, str | None, bool]] = {
    "an admin can": (ADA, "network-team", True),
    "an admin can, without a group": (ADA, None, True),
    "a member of the group can": (MARTON, "payment-team", True),
    "a member of another group cannot": (MARTON, "network-team", False),
    "a member of any group cannot, without a group": (MARTON, None, False),
    "another user cannot": (ANNA, "payment-team", False),
    "another user cannot, without a group": (ANNA, None, False),
}


@pytest.mark.parametrize(("actor", "group", "allowed"), OWN_TARGETS.values(), ids=OWN_TARGETS)
def test_who_can_state_targets_of_their_own(
    actor: Actor, group: str | None, *, allowed: bool
) -> None:
    fields = {"title": "T", "workflow": "w", "priority": "HIGH", "assignee_group": group}
    by_priority = CreateTicket.parse(**fields, sla={"by_priority": True})
    assert requested_targets(by_priority, actor, TERMS) == OF_HIGH
    own = CreateTicket.parse(**fields, sla={"targets": {"response": "1s", "resolution": "1h"}})
    if allowed:
        assert requested_targets(own, actor, TERMS) == TicketTargets(
            timedelta(seconds=1), HOUR, actor.id
        )
        return
    with pytest.raises(Forbidden) as refused:
        requested_targets(own, actor, TERMS)
    assert refused.value.details == {
        "reason": "role_required",
        "field": "sla.targets",
        "allowed_roles": ["admin", "group_member"],
        "holds": ["requester"],
    }
    assert refused.value.message == (
        "Only a member of the assignee group or an admin can set sla.targets; you are the"
        " requester. Request the targets of the priority (sla.byPriority: true), or no sla."
    )


@pytest.mark.parametrize("targets", [OF_HIGH, *(each for _, each in TARGETS.values())])
def test_targets_in_details_are_parsed(targets: TicketTargets) -> None:
    change = Change(EntryKind.PRIORITY, "LOW", "HIGH", '{"allowed_as": ["admin"]}')
    details = with_targets(change, targets).details
    assert details is not None
    assert details.startswith('{"allowed_as": ["admin"], "sla": {')
    assert parse_targets(details) == targets


@pytest.mark.parametrize("details", [None, "{}", '{"sla": null}', '{"allowed_as": []}'])
def test_other_details_have_no_targets(details: str | None) -> None:
    assert parse_targets(details) is None
