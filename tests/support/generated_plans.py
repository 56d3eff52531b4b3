"""Strategies that generate snapshots and plans."""

from typing import Final

from hypothesis import strategies as st

from engine.declaration.fields import NEVER
from engine.declaration.sla_models import ALWAYS
from engine.resources.resource import Key, Resource, Snapshot, is_active
from engine.tickets.history import RecordedTransitions
from engine.vocabulary import STATUSES, ActorRoles, Priority, TicketEvent, Visibility
from engine.workflows.policy import transitions_of
from reconciler.impact import LIVE_STATUSES, LiveTickets, WorkflowStatus
from reconciler.references import dangling_references
from reconciler.replay import Replay
from reconciler.report.wording import NO_CHANGES
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
    """Return items that refer to these; no items if there are no workflows or no categories."""
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
    """Draw active resources; each reference is to one of them."""
    some_workflows = draw(workflows())
    some_categories, some_calendars = draw(categories()), draw(calendars())
    names = [
        [key.name for key in each] for each in (some_workflows, some_categories, some_calendars)
    ]
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
    return {**some_workflows, **some_categories, **some_calendars, **snapshot(*rest)}


@st.composite
def live_snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw resources of which some are retired, together with those that refer to them."""
    found = dict(draw(snapshots()))
    gone = draw(st.sets(st.sampled_from([*found]))) if found else set()
    found |= {key: retired(found[key]) for key in gone}
    return found | {key: retired(found[key]) for key, _ in list(dangling_references(found))}


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
PLANS = st.builds(
    plan_between,
    live_snapshots(),
    snapshots(),
    TICKETS,
    st.none() | REPLAYS,
    files=st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
    source=TEXTS,
)


def active(resources: Snapshot) -> Snapshot:
    return {key: each for key, each in resources.items() if is_active(each)}
