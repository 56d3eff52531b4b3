"""How a change affects tickets: what users can do with them, and what `system` does. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Final

from engine.declaration.models import CatalogItem
from engine.gc_pause import gc_paused
from engine.resources.derived_columns import DerivedColumn
from engine.resources.resource import Kind, Snapshot, is_active
from engine.vocabulary import STATUSES, Status
from engine.workflows.policy import EMPTY_POLICY, Policy, declared_targets
from reconciler.diff import Change
from reconciler.permissions_diff import (
    TransitionChange,
    active_policy,
    last_known_policy,
    transition_changes,
)

WorkflowStatus = tuple[str, Status]
"""The name of a workflow, and a status other than CLOSED."""

LIVE_STATUSES: Final = tuple(status for status in STATUSES if status is not Status.CLOSED)


@dataclass(frozen=True, slots=True)
class LiveTickets:
    """Counts of live tickets, and the ids of some of them.

    Attributes:
        counts: only workflows and statuses that have live tickets.
        examples: a few ids each, for the statuses that a plan affects.

    """

    counts: Mapping[WorkflowStatus, int] = field(default_factory=dict)
    examples: Mapping[WorkflowStatus, list[str]] = field(default_factory=dict)

    @property
    def all(self) -> "AffectedTickets":
        """All of them, without examples."""
        by_status = Counter[Status]()
        for (_, status), count in self.counts.items():
            by_status[status] += count
        return AffectedTickets(dict(by_status))


@dataclass(frozen=True, slots=True)
class AffectedTickets:
    """The tickets that a change affects in one way.

    Attributes:
        by_status: the number of tickets in each status, in the order of statuses; only statuses
            that have any.
        examples: a few of their ids.

    """

    by_status: Mapping[Status, int] = field(default_factory=dict)
    examples: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Sort the statuses, because messages list them and must not differ between runs."""
        counts = {each: self.by_status[each] for each in STATUSES if each in self.by_status}
        object.__setattr__(self, "by_status", counts)

    @property
    def tickets(self) -> int:
        """The number of tickets."""
        return sum(self.by_status.values())


NO_TICKETS: Final = AffectedTickets()


@dataclass(frozen=True, slots=True)
class AffectedServices:
    """The services that a change affects in one way.

    Attributes:
        services: their number.
        examples: a few of their paths.

    """

    services: int = 0
    examples: tuple[str, ...] = ()


NO_SERVICES: Final = AffectedServices()


@dataclass(frozen=True, slots=True)
class Impact:
    """How a change affects tickets, services in an outage, and the catalog.

    The groups from `closing` to `spared` and from `opening` on compare what `system` does within an
    hour with the change to what it would do without the change.

    Attributes:
        stranded: live; their workflow is retired; no user can move them until it is declared again.
        stuck: live; some users could move them before, and no user can after the change.
        gaining: live; some users gain a transition from their status.
        losing: live; some users lose a transition from their status.
        frozen: live; ticketing is switched off, so they cannot be changed.
        exposed: live; users who are not involved in them can read them after the change.
        keeping: live; they keep the former assignee group of an item or a service, because the
            group of a ticket is set only when it is opened.
        closing: `system` closes them, for good.
        reopening: `system` re-opens them, because their service is DOWN again.
        breaching: `system` records that they missed an SLA target.
        commenting: `system` comments on them, because the status of their service changed.
        spared: `system` would have changed them, and no longer does.
        opening: `system` opens a ticket for their outage.
        abandoned: in an outage, and the change retires them or prevents their outage ticket.
        items: the active catalog items that use a workflow which the change retires.
        published: the groups that the change makes public on the status page.

    """

    stranded: AffectedTickets = NO_TICKETS
    stuck: AffectedTickets = NO_TICKETS
    gaining: AffectedTickets = NO_TICKETS
    losing: AffectedTickets = NO_TICKETS
    frozen: AffectedTickets = field(default=NO_TICKETS, kw_only=True)
    exposed: AffectedTickets = field(default=NO_TICKETS, kw_only=True)
    keeping: AffectedTickets = field(default=NO_TICKETS, kw_only=True)
    closing: AffectedTickets = field(default=NO_TICKETS, kw_only=True)
    reopening: AffectedTickets = field(default=NO_TICKETS, kw_only=True)
    breaching: AffectedTickets = field(default=NO_TICKETS, kw_only=True)
    commenting: AffectedTickets = field(default=NO_TICKETS, kw_only=True)
    spared: AffectedTickets = field(default=NO_TICKETS, kw_only=True)
    opening: AffectedServices = field(default=NO_SERVICES, kw_only=True)
    abandoned: AffectedServices = field(default=NO_SERVICES, kw_only=True)
    items: tuple[str, ...] = field(default=(), kw_only=True)
    published: tuple[str, ...] = field(default=(), kw_only=True)


NO_IMPACT: Final = Impact()
TICKET_GROUPS: Final = tuple(each.name for each in fields(Impact) if each.type is AffectedTickets)
SERVICE_GROUPS: Final = tuple(each.name for each in fields(Impact) if each.type is AffectedServices)


def impact_of(
    change: Change,
    tickets: LiveTickets,
    items: Mapping[str, tuple[str, ...]],
    foreseen: Impact = NO_IMPACT,
) -> Impact:
    """Return how a change affects tickets; only a change of a workflow affects what users can do.

    Args:
        change: the change.
        tickets: the live tickets.
        items: the active catalog items of each workflow that is retired.
        foreseen: what happens without any user.

    """
    if change.kind is not Kind.WORKFLOW:
        return foreseen
    stranded, stuck, gaining, losing = (
        _tickets_in(each, change.name, tickets) for each in _affected_statuses(change)
    )
    return replace(
        foreseen,
        stranded=stranded,
        stuck=stuck,
        gaining=gaining,
        losing=losing,
        items=items.get(change.name, ()),
    )


@gc_paused()
def affected_statuses(changes: Iterable[Change]) -> set[WorkflowStatus]:
    """Return the workflows and statuses whose live tickets changes can affect."""
    return {
        (change.name, status)
        for change in changes
        for statuses in _affected_statuses(change)
        for status in statuses
    }


def enforced_policy(change: Change) -> Policy:
    """Return the policy that the database has before a change, also for a retired workflow."""
    stored = change.stored(DerivedColumn.POLICY)
    return Policy(stored) if isinstance(stored, int) else last_known_policy(change.before)


def _tickets_in(statuses: Sequence[Status], name: str, tickets: LiveTickets) -> AffectedTickets:
    """Return the live tickets of a workflow that have one of these statuses."""
    pairs = [(name, status) for status in statuses if (name, status) in tickets.counts]
    counts = {pair[1]: tickets.counts[pair] for pair in pairs}
    examples = (each for pair in pairs for each in tickets.examples.get(pair, ()))
    return AffectedTickets(counts, tuple(examples)) if pairs else NO_TICKETS


def _affected_statuses(change: Change) -> tuple[Sequence[Status], ...]:
    """Return the statuses whose tickets are stranded, stuck, gaining and losing, in this order."""
    if change.kind is not Kind.WORKFLOW:
        return (), (), (), ()
    if change.retires_workflow:
        return LIVE_STATUSES, (), (), ()
    before, after = enforced_policy(change), last_known_policy(change.after)
    enforced = before if is_active(change.before) else EMPTY_POLICY
    transitions = transition_changes(enforced, active_policy(change.after))
    stuck = [
        status
        for status in LIVE_STATUSES
        if declared_targets(before, status) and not declared_targets(after, status)
    ]
    gaining = _sources(each for each in transitions if each.widens)
    losing = _sources(each for each in transitions if each.narrows)
    return (), stuck, gaining, losing


def _sources(transitions: Iterable[TransitionChange]) -> list[Status]:
    """Return the live statuses that transitions start from, each once."""
    sources = {each.source for each in transitions}
    return [status for status in LIVE_STATUSES if status in sources]


def items_of_retired_workflows(
    changes: Iterable[Change], live: Snapshot
) -> dict[str, tuple[str, ...]]:
    """Return the active catalog items of each workflow that the changes retire."""
    items: dict[str, list[str]] = {each.name: [] for each in changes if each.retires_workflow}
    if not items:
        return {}
    for key, resource in live.items():
        if key.kind is Kind.ITEM and is_active(resource):
            item = resource.model
            if isinstance(item, CatalogItem) and item.workflow in items:
                items[item.workflow].append(item.name)
    return {workflow: tuple(sorted(names)) for workflow, names in items.items()}
