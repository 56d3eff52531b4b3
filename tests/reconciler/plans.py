"""Plans to write, read and show: a few examples, and a strategy for all that can be made."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from hypothesis import strategies as st

from engine.findings import Location
from engine.storage.recorded_moves import RecordedMoves
from engine.vocabulary import STATUSES, ActorRoles, Priority, Status, TicketEvent, Visibility
from engine.workflows.declaration import (
    AutoClose,
    CatalogItem,
    Category,
    Readers,
    Service,
    Switch,
    Webhook,
    Workflow,
)
from engine.workflows.forms import NEVER
from engine.workflows.policy import transitions_of
from engine.workflows.resources import (
    AUTO_CLOSE,
    ENABLED,
    SLA,
    VISIBILITY,
    Key,
    Kind,
    Resource,
    Snapshot,
)
from engine.workflows.service_levels import ALWAYS, PrioritySla, WorkingCalendar
from reconciler.diff import diff
from reconciler.impact import (
    LIVE_STATUSES,
    LiveTickets,
    Place,
    impact_of,
    is_in_force,
    items_broken_by,
)
from reconciler.plan import Plan, PlannedChange, moves_of, workflows_in_force
from reconciler.references import dangling
from reconciler.replay import Replay
from tests.engine.workflows.policies import POLICIES

MADE_AT: Final = datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)
FILES: Final = ("values.yaml", "prod.yaml", "--set autoClose.afterResolved=24h")
Moves = dict[tuple[str, str], str]


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
                moves_of(change),
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


def workflow(name: str, moves: Moves, display_name: str | None = None) -> Resource:
    """Return a workflow of these transitions."""
    declared: dict[str, object] = {
        "name": name,
        "displayName": display_name,
        "transitions": [
            {"from": source, "to": target, "role": role} for (source, target), role in moves.items()
        ],
    }
    return Resource.of(Kind.WORKFLOW, name, Workflow.model_validate(declared))


def category(name: str, display_name: str, icon: str | None = None) -> Resource:
    declared = Category.model_validate({"name": name, "displayName": display_name, "icon": icon})
    return Resource.of(Kind.CATEGORY, name, declared)


def item(name: str, workflow_name: str, category_name: str, **more: object) -> Resource:
    declared = {
        "name": name,
        "displayName": name.replace("_", " ").title(),
        "category": category_name,
        "workflow": workflow_name,
    }
    return Resource.of(Kind.ITEM, name, CatalogItem.model_validate(declared | more))


def service(path: str, group: str, *, auto_ticket: bool = False) -> Resource:
    declared = {"path": path, "slaGroup": group, "autoTicket": auto_ticket}
    return Resource.of(Kind.SERVICE, path, Service.model_validate(declared))


def auto_close(after: str) -> Resource:
    declared = AutoClose.model_validate({"afterResolved": after})
    return Resource.of(Kind.SETTING, AUTO_CLOSE, declared)


def calendar(name: str, *hours: str, **more: object) -> Resource:
    """Return a calendar of these hours on Mondays."""
    declared = {"name": name, "timeZone": "Europe/Budapest", "hours": {"monday": list(hours)}}
    return Resource.of(Kind.CALENDAR, name, WorkingCalendar.model_validate(declared | more))


def switch(*, enabled: bool) -> Resource:
    return Resource.of(Kind.SETTING, ENABLED, Switch(enabled=enabled))


def webhook(name: str, url: str, *events: str) -> Resource:
    """Return a webhook that is told of these events; of all, if none is named."""
    declared = {"name": name, "url": url, "secretName": "hooks", "events": list(events) or None}
    return Resource.of(Kind.WEBHOOK, name, Webhook.model_validate(declared))


def sla(**priorities: object) -> Resource:
    return Resource.of(Kind.SETTING, SLA, PrioritySla.model_validate(priorities))


def visibility(readers: str) -> Resource:
    return Resource.of(Kind.SETTING, VISIBILITY, Readers.model_validate({"readers": readers}))


def retired(resource: Resource) -> Resource:
    return replace(resource, retired=True)


def snapshot(*resources: Resource) -> dict[Key, Resource]:
    return {each.key: each for each in resources}


# --- examples -----------------------------------------------------------------------------------

INCIDENT: Final[Moves] = {
    ("OPEN", "IN_PROGRESS"): "assignee",
    ("IN_PROGRESS", "RESOLVED"): "assignee",
    ("RESOLVED", "CLOSED"): "requester",
    ("RESOLVED", "IN_PROGRESS"): "any",
}
REFUSED: Final = (
    RecordedMoves(
        "incident_response",
        Status.RESOLVED,
        Status.CLOSED,
        ActorRoles.REQUESTER,
        12,
        3,
        ("u_b1", "u_c4", "u_d7"),
    ),
    RecordedMoves(
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

# --- every plan there can be --------------------------------------------------------------------

NASTY: Final = (
    "Nothing to do: the database holds what is declared.",
    "@octo-org/everyone #1 https://example.org <script>alert(1)</script>",
    "| a | b |\\| ` `` ``` \\` ![x](y) **z** ~~s~~ <details>",
    "\u202egnp.exe \u200b\u2066 \x9b31m \u0085",
    "</summary></details><!-- &amp; -->",
)
LINES = st.one_of(
    st.sampled_from([text for text in NASTY if text.isprintable()]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=60),
).filter(lambda text: any(each > " " for each in text))
TEXTS = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300),
)
NAMES = st.sampled_from(["a", "access", "incident_response", "x_1_", "z" * 63])
PATHS = st.sampled_from(["acme/shop/payment-api", "a.b-c_d", "x/" * 200 + "x"])
COUNTS = st.integers(1, 10**12)
IDS = st.lists(st.one_of(st.sampled_from(["u_b1", *NASTY]), TEXTS), max_size=3).map(tuple)


@st.composite
def workflows(draw: st.DrawFn) -> dict[Key, Resource]:
    found = draw(
        st.dictionaries(NAMES, st.tuples(POLICIES.filter(bool), st.none() | LINES), max_size=4)
    )
    return {
        each.key: each
        for name, (policy, display_name) in found.items()
        for each in [
            workflow(
                name, {(one, two): role for one, two, role in transitions_of(policy)}, display_name
            )
        ]
    }


def categories() -> st.SearchStrategy[dict[Key, Resource]]:
    one = st.builds(category, NAMES, LINES, st.none() | LINES.map(lambda text: text[:50] + "x"))
    return st.lists(one, max_size=3).map(lambda each: dict(snapshot(*each)))


HOURS = st.lists(st.sampled_from(["00:00-06:00", "09:00-17:00", "22:00-24:00"]), min_size=1).map(
    lambda hours: sorted({*hours})
)


def calendars() -> st.SearchStrategy[dict[Key, Resource]]:
    one = st.builds(lambda name, hours: calendar(name, *hours), NAMES, HOURS)
    return st.lists(one, max_size=2).map(lambda each: dict(snapshot(*each)))


WEBHOOKS: st.SearchStrategy[Resource] = st.builds(
    lambda name, url, events: webhook(name, url, *events),
    NAMES,
    st.sampled_from(["https://hooks.example.com/x?y=1", "http://10.0.0.1:8080"]),
    st.lists(st.sampled_from(TicketEvent), max_size=3),
)


def items(
    of_workflows: list[str], of_categories: list[str], of_calendars: list[str]
) -> st.SearchStrategy[list[Resource]]:
    """Return items that refer to these; none if there are no workflows or no categories."""
    if not (of_workflows and of_categories):
        return st.just([])
    one = st.builds(
        item,
        NAMES,
        st.sampled_from(of_workflows),
        st.sampled_from(of_categories),
        displayName=LINES,
        description=TEXTS,
        defaults=st.fixed_dictionaries(
            {"priority": st.sampled_from([each.value for each in Priority])},
            optional={"assigneeGroup": LINES},
        ),
        sla=st.none()
        | st.fixed_dictionaries(
            {"response": st.just("10m"), "resolution": st.just("PT1H")},
            optional={"calendar": st.sampled_from([ALWAYS, *of_calendars])},
        ),
    )
    return st.lists(one, max_size=4)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw everything that is declared: each reference is to something that is declared, too."""
    flows, shelves, clocks = draw(workflows()), draw(categories()), draw(calendars())
    names = [[key.name for key in each] for each in (flows, shelves, clocks)]
    targets = st.fixed_dictionaries({"calendar": st.sampled_from([ALWAYS, *names[2]])})
    opens_tickets = st.booleans() if "incident_response" in names[0] else st.just(value=False)
    rest = [
        *draw(items(*names)),
        *draw(st.lists(st.builds(service, PATHS, LINES, auto_ticket=opens_tickets), max_size=2)),
        *draw(st.lists(st.booleans().map(lambda each: switch(enabled=each)), max_size=1)),
        *draw(st.lists(WEBHOOKS, max_size=2)),
        *draw(st.lists(st.sampled_from(["72h", "1d", NEVER]).map(auto_close), max_size=1)),
        *draw(st.lists(targets.map(lambda each: sla(HIGH=each)), max_size=1)),
        *draw(st.lists(st.sampled_from([*Visibility]).map(visibility), max_size=1)),
    ]
    return {**flows, **shelves, **clocks, **snapshot(*rest)}


@st.composite
def live_snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw what was declared, with some of it retired, and with it whatever refers to that."""
    found = dict(draw(snapshots()))
    gone = draw(st.sets(st.sampled_from([*found]))) if found else set()
    found |= {key: retired(found[key]) for key in gone}
    return found | {key: retired(found[key]) for key, _ in list(dangling(found))}


PLACES: st.SearchStrategy[Place] = st.tuples(NAMES, st.sampled_from(LIVE_STATUSES))
TICKETS = st.dictionaries(PLACES, COUNTS).map(
    lambda counts: LiveTickets(counts, {place: [f"tk_{place[1]}"] for place in counts})
)
RECORDED = st.builds(
    RecordedMoves,
    workflow=NAMES,
    source=st.sampled_from(STATUSES),
    target=st.sampled_from(STATUSES),
    held=st.integers(0, 7).map(ActorRoles),
    times=COUNTS,
    actors=COUNTS,
    examples=IDS,
)
REPLAYS = st.builds(
    Replay,
    days=st.integers(1, 3_650),
    times=COUNTS,
    refused=st.lists(RECORDED, max_size=3).map(tuple),
)
PLANS = st.builds(
    planned,
    live_snapshots(),
    snapshots(),
    TICKETS,
    st.none() | REPLAYS,
    files=st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
    source=TEXTS,
)


def in_force(resources: Snapshot) -> Snapshot:
    return {key: each for key, each in resources.items() if is_in_force(each)}
