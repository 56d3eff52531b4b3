"""Plans between two snapshots, and examples of plans."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Final

from engine.findings import Location
from engine.resources.derived_columns import ColumnDrift, DerivedColumn
from engine.resources.resource import Key, Kind, Snapshot, default_resources
from engine.tickets.history import RecordedTransitions
from engine.vocabulary import ActorRoles, Status
from reconciler.allowances import Allowances
from reconciler.desired import Desired
from reconciler.diff import Drift, diff
from reconciler.impact import AffectedServices, AffectedTickets, Impact, LiveTickets
from reconciler.plan import Plan, count_active, count_declared, plan_changes, with_impact
from reconciler.replay import Replay
from reconciler.setting_changes import AUTO_CLOSE_KEY, ENABLED_KEY, VISIBILITY_KEY
from reconciler.ticket_repairs import TicketRepairs
from tests.support.resources import (
    Transitions,
    auto_close,
    calendar,
    category,
    item,
    retired,
    service,
    sla,
    sla_targets,
    snapshot,
    status_page,
    switch,
    visibility,
    webhook,
    workflow,
)

EVERYTHING: Final = Allowances(
    **{each.name: True if each.type is bool else 10**18 for each in fields(Allowances)}  # type: ignore[arg-type]  # the types are right
)
"""Acknowledges every hazard."""
CREATED_AT: Final = datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)
FILES: Final = ("values.yaml", "prod.yaml", "--set autoClose.afterResolved=24h")


def plan_between(
    live: Snapshot,
    desired: Snapshot,
    tickets: LiveTickets | None = None,
    replay: Replay | None = None,
    files: tuple[str, ...] = FILES,
    source: str = "git:4f8e29c",
    foreseen: Mapping[Key, Impact] | None = None,
    drift: Drift | None = None,
    repaired: TicketRepairs | None = None,
    base: str = "r7-4f8e29c0d1a2",
) -> Plan:
    """Return the plan from live to desired resources, each of which is declared on its own line."""
    locations = {
        change.key: Location(files[0], 10 + 2 * index, 7)
        for index, change in enumerate(diff(live, desired, drift))
    }
    changes = plan_changes(Desired(desired, locations), live, drift)
    return Plan(
        changes=with_impact(changes, tickets or LiveTickets(), live, foreseen),
        active=count_active(live),
        declared=count_declared(desired),
        created_at=CREATED_AT,
        source=source,
        base=base,
        files=files,
        replay=replay,
        tickets=repaired,
    )


INCIDENT: Final[Transitions] = {
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
    return plan_between(same, same)


def one_of_everything() -> Plan:
    """Return a plan with every kind and every action, and without hazards."""
    narrowed = INCIDENT | {("RESOLVED", "IN_PROGRESS"): "requester"}
    back = workflow("change_request", INCIDENT, "Change")
    others = [category(name, name.title()) for name in ("hardware", "software")]
    live = snapshot(
        workflow("incident_response", INCIDENT, "Incident"),
        retired(back),
        category("incidents", "Incidents"),
        category("access", "Access"),
        *others,
        item("network_outage", "incident_response", "incidents", icon="wifi_off"),
        service("acme/shop/prod/eu1/payment-api", "payment-team"),
        switch(enabled=False),
        webhook("chat", "https://hooks.example.com/chat"),
        auto_close("72h"),
        sla(),
    )
    desired = snapshot(
        switch(enabled=True),
        webhook("chat", "https://hooks.example.com/v2", "ticket.transitioned", "ticket.created"),
        calendar("office", "09:00-17:00", holidays=["2026-12-25"]),
        sla(HIGH={"response": "15m", "calendar": "office"}),
        workflow("incident_response", narrowed, "Incident response"),
        workflow("access_request", INCIDENT),
        back,
        category("incidents", "Incidents & outages", "report_problem"),
        *others,
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
    return plan_between(live, desired, tickets, Replay(90, 1_234, ()))


FORESEEN: Final = {
    ENABLED_KEY: Impact(frozen=AffectedTickets({Status.OPEN: 7, Status.IN_PROGRESS: 8})),
    VISIBILITY_KEY: Impact(exposed=AffectedTickets({Status.RESOLVED: 40})),
    AUTO_CLOSE_KEY: Impact(closing=AffectedTickets({Status.RESOLVED: 38}, ("tk_51ab", "tk_ee02"))),
    Key(Kind.SERVICE, "acme/shop/prod/eu1/payment-api"): Impact(
        abandoned=AffectedServices(1, ("acme/shop/prod/eu1/payment-api",))
    ),
}
"""What a forecast foresees for `every_hazard`."""


def every_hazard() -> Plan:
    """Return a plan with every hazard of a change, and with awkward texts."""
    stuck = {pair: role for pair, role in INCIDENT.items() if pair[0] != "IN_PROGRESS"}
    live = snapshot(
        workflow("incident_response", INCIDENT),
        workflow("vpn_request", INCIDENT),
        workflow("badge_request", INCIDENT),
        category("access", "Access"),
        item("vpn", "vpn_request", "access"),
        item("vpn_abroad", "vpn_request", "access"),
        service("acme/shop/prod/eu1/payment-api", "payment-team"),
        switch(enabled=True),
        auto_close("72h"),
        visibility("involved"),
    )
    desired = snapshot(
        workflow("incident_response", stuck | {("RESOLVED", "CLOSED"): "any"}),
        category("access", "<b>@ops</b> | `see` [this](https://example.org)\u200b!"),
        switch(enabled=False),
        auto_close("1s"),
        visibility("everyone"),
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
    return plan_between(live, desired, tickets, Replay(90, 1_234, REFUSED), foreseen=FORESEEN)


def switched_on() -> Plan:
    """Return a plan after which `system` catches up with everything."""
    resources = (workflow("incident_response", INCIDENT), auto_close("72h"))
    foreseen = Impact(
        closing=AffectedTickets({Status.OPEN: 1, Status.RESOLVED: 12}, ("tk_51ab",)),
        reopening=AffectedTickets({Status.CLOSED: 1}, ("tk_0b1c",)),
        breaching=AffectedTickets({Status.OPEN: 2}, ("tk_5d2e", "tk_c0de")),
        commenting=AffectedTickets({Status.IN_PROGRESS: 1}, ("tk_31aa",)),
        spared=AffectedTickets({Status.RESOLVED: 1}, ("tk_77c0",)),
        keeping=AffectedTickets({Status.OPEN: 1}, ("tk_5d2e",)),
        opening=AffectedServices(3, ("acme/shop/cart", "acme/shop/search")),
    )
    return plan_between(
        snapshot(*resources, switch(enabled=False)),
        snapshot(*resources, switch(enabled=True)),
        foreseen={ENABLED_KEY: foreseen},
    )


REPAIRED: Final = TicketRepairs(
    compared=1_204,
    invalid=1,
    tickets=("tk_0b1c00", "tk_31aa00", "tk_51ab00", "tk_77c000"),
    columns={"status": 1, "next_due_at": 3, "search_words": 1},
    closing=AffectedTickets({Status.RESOLVED: 1}, ("tk_31aa00",)),
    breaching=AffectedTickets({Status.OPEN: 2}, ("tk_0b1c00", "tk_51ab00")),
    is_complete=False,
)


def repairs() -> Plan:
    """Return a plan that only repairs stored values, among them a policy that is too narrow."""
    resources = snapshot(
        workflow("incident_response", INCIDENT, "Incidents"),
        retired(workflow("vpn_request", INCIDENT)),
        category("access", "Access"),
        item("vpn", "incident_response", "access"),
        switch(enabled=True),
    )
    incidents = resources[Key(Kind.WORKFLOW, "incident_response")]
    narrow = workflow("incident_response", {("OPEN", "IN_PROGRESS"): "assignee"}).compiled.policy
    policy = incidents.compiled.policy
    drift = {
        incidents.key: (
            ColumnDrift(DerivedColumn.DISPLAY_NAME, "Incidents\u202e", "Incidents"),
            ColumnDrift(DerivedColumn.POLICY, narrow, policy),
            ColumnDrift(DerivedColumn.REVISION_POLICY, narrow, policy),
        ),
        Key(Kind.WORKFLOW, "vpn_request"): (ColumnDrift(DerivedColumn.AUTO_CLOSE, "1s", None),),
        Key(Kind.ITEM, "vpn"): (ColumnDrift(DerivedColumn.CATEGORY, "hardware", "access"),),
        ENABLED_KEY: (ColumnDrift(DerivedColumn.ENABLED, stored=False, declared=True),),
    }
    tickets = LiveTickets({("incident_response", Status.RESOLVED): 4})
    desired = {key: each for key, each in resources.items() if not each.retired}
    return plan_between(resources, desired, tickets, drift=drift, repaired=REPAIRED)


def made_public() -> Plan:
    """Return a plan that switches the status page on, and shows one more group on it."""
    services = (service(f"acme/{name}/api", f"{name}-team") for name in ("shop", "search"))
    resources = snapshot(workflow("incident_response", INCIDENT), *services)
    return plan_between(
        resources | snapshot(sla_targets("shop-team")),
        resources
        | snapshot(
            sla_targets("shop-team", "search-team"), status_page(enabled=True, companyName="Acme")
        ),
    )


def nothing_declared() -> Plan:
    """Return a plan for values that lost their content."""
    live = snapshot(
        *default_resources().values(),
        workflow("incident_response", INCIDENT, "Incidents"),
        *(service(f"acme/shop/{name}", "shop-team") for name in ("cart", "payment", "search")),
        webhook("chat", "https://hooks.example.com/chat"),
        category("access", "Access"),
        auto_close("24h"),
    )
    return plan_between(live, default_resources())


def too_long_for_a_comment() -> Plan:
    """Return a plan that changes hundreds of workflows, each of which widens rights."""
    names = [f"workflow_{number:03}" for number in range(400)]
    wide = dict.fromkeys(INCIDENT, "any")
    live = snapshot(*(workflow(name, INCIDENT) for name in names))
    desired = snapshot(*(workflow(name, wide, name.title()) for name in names))
    return plan_between(live, desired)


EXAMPLES: Final[dict[str, Callable[[], Plan]]] = {
    "nothing to do": nothing_to_do,
    "one of everything": one_of_everything,
    "every hazard": every_hazard,
    "switched on": switched_on,
    "made public": made_public,
    "repairs": repairs,
    "nothing declared": nothing_declared,
    "too long for a comment": too_long_for_a_comment,
}
