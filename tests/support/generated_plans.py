"""Strategies that generate snapshots and plans."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

from hypothesis import settings
from hypothesis import strategies as st

from engine.declaration.fields import NEVER
from engine.declaration.sla_models import ALWAYS
from engine.invisible_characters import find_bidirectional_control, strip_invisible
from engine.resources.derived_columns import (
    ColumnDrift,
    ColumnValue,
    DerivedColumn,
    derived_columns,
)
from engine.resources.resource import Kind, Resource, Snapshot, is_active
from engine.tickets.history import RecordedTransitions
from engine.tickets.ticket_drift import DRIFT_COLUMNS
from engine.vocabulary import STATUSES, ActorRoles, Priority, TicketEvent, Visibility
from engine.workflows.policy import transitions_of
from reconciler.diff import diff
from reconciler.impact import (
    LIVE_STATUSES,
    NO_TICKETS,
    SERVICE_GROUPS,
    TICKET_GROUPS,
    AffectedServices,
    AffectedTickets,
    Impact,
    LiveTickets,
    WorkflowStatus,
)
from reconciler.plan import Plan
from reconciler.references import dangling_references
from reconciler.replay import Replay
from reconciler.report.wording import NO_CHANGES
from reconciler.ticket_repairs import TicketRepairs
from tests.support.plans import plan_between
from tests.support.policies import POLICIES
from tests.support.resources import (
    auto_close,
    calendar,
    category,
    item,
    retired,
    service,
    sla,
    snapshot,
    switch,
    visibility,
    webhook,
    workflow,
)

NASTY: Final = (
    NO_CHANGES,
    "@octo-org/everyone #1 https://example.org <script>alert(1)</script>",
    "| a | b |\\| ` `` ``` \\` ![x](y) **z** ~~s~~ <details>",
    "\u202egnp.exe \u200b\u2066 \x9b31m \u0085",
    "</summary></details><!-- &amp; -->",
)
LINES = st.one_of(
    st.sampled_from([text for text in NASTY if text.isprintable()]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=60),
).filter(
    lambda text: (
        any(each > " " for each in text)
        and strip_invisible(text) == text
        and find_bidirectional_control(text) is None
    )
)
TEXTS = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300),
)
NAMES = st.sampled_from(["a", "access", "incident_response", "x_1_", "z" * 63])
PATHS = st.sampled_from(["acme/shop/payment-api", "a.b-c_d", "www.example.org/x", "x/" * 200 + "x"])
COUNTS = st.integers(1, 10**12)
IDS = st.lists(st.one_of(st.sampled_from(["u_b1", *NASTY]), TEXTS), max_size=3).map(tuple)


WORKFLOWS = st.dictionaries(
    NAMES, st.tuples(POLICIES.filter(bool), st.none() | LINES), max_size=4
).map(
    lambda found: [
        workflow(name, {(one, two): role for one, two, role in transitions_of(policy)}, display)
        for name, (policy, display) in found.items()
    ]
)
CATEGORIES = st.lists(
    st.builds(category, NAMES, LINES, st.none() | LINES.map(lambda text: text[:50] + "x")),
    max_size=3,
)
HOURS = st.lists(st.sampled_from(["00:00-06:00", "09:00-17:00", "22:00-24:00"]), min_size=1)
CALENDARS = st.lists(
    st.builds(lambda name, hours: calendar(name, *sorted({*hours})), NAMES, HOURS), max_size=2
)
WEBHOOKS: st.SearchStrategy[list[Resource]] = st.lists(
    st.builds(
        lambda name, url, events: webhook(name, url, *events),
        NAMES,
        st.sampled_from(["https://hooks.example.com/x?y=1", "http://10.0.0.1:8080"]),
        st.lists(st.sampled_from(TicketEvent), max_size=3),
    ),
    max_size=2,
)

FORESEEN_GROUPS: Final = [
    name for name in TICKET_GROUPS if name not in {"stranded", "stuck", "gaining", "losing"}
]
CHOICES = st.integers(0, 11)
"""Which of the other resources one refers to: a number, so that no strategy depends on a draw."""


def chosen(names: Sequence[str], choice: int) -> str:
    return names[choice % len(names)]


class ItemDraft(NamedTuple):
    """An item whose references are not resolved yet."""

    name: str
    workflow: int
    category: int
    calendar: int
    fields: dict[str, object]
    targets: dict[str, object] | None


ITEMS = st.lists(
    st.builds(
        ItemDraft,
        NAMES,
        CHOICES,
        CHOICES,
        CHOICES,
        st.fixed_dictionaries(
            {
                "displayName": LINES,
                "description": TEXTS,
                "defaults": st.fixed_dictionaries(
                    {"priority": st.sampled_from([each.value for each in Priority])},
                    optional={"assigneeGroup": LINES},
                ),
            }
        ),
        st.none()
        | st.fixed_dictionaries(
            {"response": st.just("10m"), "resolution": st.just("PT1H")},
            optional={"calendar": st.none()},
        ),
    ),
    max_size=4,
)


def item_of(draft: ItemDraft, names: Mapping[Kind, Sequence[str]]) -> Resource:
    sla = draft.targets
    if sla and "calendar" in sla:
        sla = sla | {"calendar": chosen([ALWAYS, *names[Kind.CALENDAR]], draft.calendar)}
    return item(
        draft.name,
        chosen(names[Kind.WORKFLOW], draft.workflow),
        chosen(names[Kind.CATEGORY], draft.category),
        **draft.fields,
        sla=sla,
    )


def assembled(
    referable: tuple[list[Resource], ...],
    items: list[ItemDraft],
    services: list[tuple[str, str, bool]],
    sla_calendars: list[int],
    rest: tuple[list[Resource], ...],
) -> Snapshot:
    """Return active resources; each reference is to one of them."""
    found = snapshot(*chain.from_iterable(referable))
    names = {kind: [key.name for key in found if key.kind is kind] for kind in Kind}
    open_tickets = "incident_response" in names[Kind.WORKFLOW]
    calendars = [ALWAYS, *names[Kind.CALENDAR]]
    return found | snapshot(
        *(item_of(each, names) for each in items if names[Kind.WORKFLOW] and names[Kind.CATEGORY]),
        *(service(path, group, auto_ticket=on and open_tickets) for path, group, on in services),
        *(sla(HIGH={"calendar": chosen(calendars, each)}) for each in sla_calendars),
        *chain.from_iterable(rest),
    )


SNAPSHOTS: st.SearchStrategy[Snapshot] = st.builds(
    assembled,
    st.tuples(WORKFLOWS, CATEGORIES, CALENDARS),
    ITEMS,
    st.lists(st.tuples(PATHS, LINES, st.booleans()), max_size=2),
    st.lists(CHOICES, max_size=1),
    st.tuples(
        st.lists(st.booleans().map(lambda each: switch(enabled=each)), max_size=1),
        WEBHOOKS,
        st.lists(st.sampled_from(["72h", "1d", NEVER]).map(auto_close), max_size=1),
        st.lists(st.sampled_from([*Visibility]).map(visibility), max_size=1),
    ),
)


@st.composite
def _live_snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw resources of which some are retired, together with those that refer to them."""
    found = dict(draw(SNAPSHOTS))
    gone = draw(st.sets(st.sampled_from([*found]))) if found else set()
    found |= {key: retired(found[key]) for key in gone}
    return found | {key: retired(found[key]) for key, _ in list(dangling_references(found))}


LIVE_SNAPSHOTS = _live_snapshots()
WORKFLOW_STATUSES: st.SearchStrategy[WorkflowStatus] = st.tuples(
    NAMES, st.sampled_from(LIVE_STATUSES)
)
TICKETS = st.dictionaries(WORKFLOW_STATUSES, COUNTS).map(
    lambda counts: LiveTickets(counts, {key: [f"tk_{key[1]}"] for key in counts})
)
RECORDED = st.builds(
    RecordedTransitions,
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
TICKET_IDS = st.lists(st.sampled_from(["tk_4f8e29", "tk_9a01bc"]), max_size=3).map(tuple)
AFFECTED = st.builds(
    AffectedTickets, st.dictionaries(st.sampled_from(STATUSES), COUNTS, min_size=1), TICKET_IDS
)
AFFECTED_SERVICES = st.builds(AffectedServices, COUNTS, st.lists(PATHS, max_size=3).map(tuple))
FORESEEN = st.builds(
    lambda tickets, services: Impact(**tickets, **services),
    st.fixed_dictionaries({}, optional=dict.fromkeys(FORESEEN_GROUPS, AFFECTED)),
    st.fixed_dictionaries({}, optional=dict.fromkeys(SERVICE_GROUPS, AFFECTED_SERVICES)),
)


REPAIRS = st.builds(
    lambda tickets, columns, **others: TicketRepairs(
        tickets=tuple(sorted(tickets)),
        columns={each: 1 for each in DRIFT_COLUMNS if each in columns} if tickets else {},
        **others,
    ),
    st.sets(st.sampled_from(["tk_4f8e29", "tk_9a01bc"])),
    st.sets(st.sampled_from(DRIFT_COLUMNS), min_size=1),
    compared=COUNTS,
    invalid=st.integers(0, 2),
    closing=st.just(NO_TICKETS) | AFFECTED,
    breaching=st.just(NO_TICKETS) | AFFECTED,
    is_complete=st.booleans(),
)


def generated_plan(
    live: Snapshot,
    desired: Snapshot,
    tickets: LiveTickets,
    replay: Replay | None,
    impacts: list[Impact],
    drifted: set[DerivedColumn],
    repaired: TicketRepairs | None,
    origin: tuple[tuple[str, ...], str],
) -> Plan:
    """Return a plan in which the first changes have these foreseen impacts.

    These columns of all resources have drifted.
    """
    drift = {key: found for key, each in live.items() if (found := drift_of(each, drifted))}
    foreseen = {
        change.key: each for change, each in zip(diff(live, desired, drift), impacts, strict=False)
    }
    return plan_between(live, desired, tickets, replay, *origin, foreseen, drift, repaired)


def drift_of(resource: Resource, columns: set[DerivedColumn]) -> tuple[ColumnDrift, ...]:
    """Return the drift of a resource in which these columns have other values."""
    declared = derived_columns(resource)
    return tuple(
        ColumnDrift(column, other_value(value), value)
        for column, value in declared.items()
        if column in columns
    )


def other_value(value: ColumnValue) -> ColumnValue:
    """Return a value of the same type that no declaration leads to."""
    if isinstance(value, bool):
        return not value
    return value ^ 1 if isinstance(value, int) else "never declared"


PLANS = st.builds(
    generated_plan,
    LIVE_SNAPSHOTS,
    SNAPSHOTS,
    TICKETS,
    st.none() | REPLAYS,
    st.lists(FORESEEN, max_size=3),
    st.sets(st.sampled_from(DerivedColumn), max_size=2),
    st.none() | REPAIRS,
    st.tuples(st.lists(TEXTS, min_size=1, max_size=3).map(tuple), TEXTS),
)

some_plans: Final = settings(max_examples=settings().max_examples * 2 // 5)
"""Fewer examples than usual: a report of a plan takes as long as ten other examples."""


def active(resources: Snapshot) -> Snapshot:
    return {key: each for key, each in resources.items() if is_active(each)}
