"""Plans: how two snapshots are planned, and a few examples."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from engine.findings import Location
from engine.resources.resource import Snapshot
from engine.tickets.history import RecordedTransitions
from engine.vocabulary import ActorRoles, Status
from reconciler.diff import diff
from reconciler.impact import LiveTickets, impact_of, items_broken_by
from reconciler.plan import Plan, PlannedChange, transitions_of, workflows_in_force
from reconciler.replay import Replay
from tests.support.resources import (
    Moves,
    auto_close,
    calendar,
    category,
    item,
    retired,
    service,
    sla,
    snapshot,
    switch,
    webhook,
    workflow,
)

MADE_AT: Final = datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)
FILES: Final = ("values.yaml", "prod.yaml", "--set autoClose.afterResolved=24h")


def planned(
    live: Snapshot,
    desired: Snapshot,
    tickets: LiveTickets | None = None,
    replay: Replay | None = None,
    files: tuple[str, ...] = FILES,
    source: str = "git:4f8e29c",
) -> Plan:
    """Return the plan for these resources, each declared on a line of its own."""
    changes = diff(live, desired)
    broken = items_broken_by(changes, live)
    return Plan(
        changes=tuple(
            PlannedChange(
                change,
                transitions_of(change),
                impact_of(change, tickets or LiveTickets(), broken),
                None if change.after.retired else Location(files[0], 10 + 2 * place, 7),
            )
            for place, change in enumerate(changes)
        ),
        workflows=workflows_in_force(live),
        created_at=MADE_AT,
        source=source,
        files=files,
        replay=replay,
    )


INCIDENT: Final[Moves] = {
    ("OPEN", "IN_PROGRESS"): "assignee",
    ("IN_PROGRESS", "RESOLVED"): "assignee",
    ("RESOLVED", "CLOSED"): "requester",
    ("RESOLVED", "IN_PROGRESS"): "any",
}
REFUSED: Final = (
    RecordedTransitions(
        "incident_response",
        Status.RESOLVED,
        Status.CLOSED,
        ActorRoles.REQUESTER,
        12,
        3,
        ("u_b1", "u_c4", "u_d7"),
    ),
    RecordedTransitions(
        "vpn_request",
        Status.OPEN,
        Status.IN_PROGRESS,
        ActorRoles.ASSIGNEE | ActorRoles.ADMIN,
        5,
        1,
        ("u_a0",),
    ),
)


def nothing_to_do() -> Plan:
    same = snapshot(workflow("incident_response", INCIDENT), auto_close("72h"))
    return planned(same, same)


def one_of_everything() -> Plan:
    """Return a plan with every kind and every action, and no harm in it."""
    narrowed = INCIDENT | {("RESOLVED", "IN_PROGRESS"): "requester"}
    back = workflow("change_request", INCIDENT, "Change")
    live = snapshot(
        workflow("incident_response", INCIDENT, "Incident"),
        retired(back),
        category("incidents", "Incidents"),
        category("access", "Access"),
        item("network_outage", "incident_response", "incidents", icon="wifi_off"),
        service("acme/shop/prod/eu1/payment-api", "payment-team"),
        switch(enabled=True),
        webhook("chat", "https://hooks.example.com/chat"),
        auto_close("72h"),
        sla(),
    )
    desired = snapshot(
        switch(enabled=False),
        webhook("chat", "https://hooks.example.com/v2", "ticket.transitioned", "ticket.created"),
        calendar("office", "09:00-17:00", holidays=["2026-12-25"]),
        sla(HIGH={"response": "15m", "calendar": "office"}),
        workflow("incident_response", narrowed, "Incident response"),
        workflow("access_request", INCIDENT),
        back,
        category("incidents", "Incidents & outages", "report_problem"),
        item(
            "network_outage",
            "incident_response",
            "incidents",
            description="Connectivity or DNS failure.\nSay since when.",
            defaults={"priority": "HIGH", "assigneeGroup": "network-team"},
            sla={"response": "10m", "resolution": "4h"},
        ),
        item("badge", "access_request", "incidents"),
        service("acme/shop/prod/eu1/payment-api", "payment-team", auto_ticket=True),
        auto_close("24h"),
    )
    tickets = LiveTickets(
        {("incident_response", Status.RESOLVED): 1_204, ("incident_response", Status.OPEN): 31},
        {("incident_response", Status.RESOLVED): ["tk_4f8e29", "tk_9a01bc"]},
    )
    return planned(live, desired, tickets, Replay(90, 1_234, ()))


def every_hazard() -> Plan:
    """Return a plan that strands, sticks, widens and retires, among them awkward texts."""
    stuck = {pair: role for pair, role in INCIDENT.items() if pair[0] != "IN_PROGRESS"}
    live = snapshot(
        workflow("incident_response", INCIDENT),
        workflow("vpn_request", INCIDENT),
        workflow("badge_request", INCIDENT),
        category("access", "Access"),
        item("vpn", "vpn_request", "access"),
        item("vpn_abroad", "vpn_request", "access"),
    )
    desired = snapshot(
        workflow("incident_response", stuck | {("RESOLVED", "CLOSED"): "any"}),
        category("access", "<b>@ops</b> | `see` [this](https://example.org)\u202e!"),
    )
    tickets = LiveTickets(
        {
            ("incident_response", Status.IN_PROGRESS): 3,
            ("incident_response", Status.RESOLVED): 40,
            ("vpn_request", Status.OPEN): 7,
            ("vpn_request", Status.IN_PROGRESS): 5,
        },
        {
            ("incident_response", Status.IN_PROGRESS): ["tk_31aa", "tk_77c0"],
            ("vpn_request", Status.OPEN): ["tk_0b1c", "tk_5d2e"],
            ("vpn_request", Status.IN_PROGRESS): ["tk_c0de"],
        },
    )
    return planned(live, desired, tickets, Replay(90, 1_234, REFUSED))


def too_long_for_a_comment() -> Plan:
    """Return a plan of hundreds of changed workflows, each of which widens something."""
    names = [f"workflow_{number:03}" for number in range(400)]
    wide = dict.fromkeys(INCIDENT, "any")
    live = snapshot(*(workflow(name, INCIDENT) for name in names))
    desired = snapshot(*(workflow(name, wide, name.title()) for name in names))
    return planned(live, desired)


EXAMPLES: Final[dict[str, Callable[[], Plan]]] = {
    "nothing to do": nothing_to_do,
    "one of everything": one_of_everything,
    "every hazard": every_hazard,
    "too long for a comment": too_long_for_a_comment,
}
