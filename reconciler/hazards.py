"""The parts of a plan that can do harm, and the flags that acknowledge them. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from engine.errors import RefusedByGuard
from engine.resources.resource import Key, Kind, is_active
from reconciler.allowances import Allowances, option_of
from reconciler.approval import approval_of
from reconciler.diff import Action
from reconciler.plan import Plan, PlannedChange
from reconciler.plural import plural
from reconciler.setting_changes import (
    exposes_tickets,
    groups_added_to_on_behalf,
    switches_off,
)

_RETIRED_SHARE_MOST: Final = 0.3
"""The share of the active resources of a kind that a plan can retire without a hazard."""

_GROUPS_SHOWN: Final = 5


_OTHER_PLAN: Final = "ticketing.approvedPlan is {}, which is not the approval of this plan."


class HazardCode(StrEnum):
    """What a hazard does; the most severe comes first."""

    STRANDS_TICKETS = "strands_tickets"
    BLOCKS_TICKETS = "blocks_tickets"
    CLOSES_TICKETS = "closes_tickets"
    SWITCHES_TICKETING_OFF = "switches_ticketing_off"
    ABANDONS_OUTAGES = "abandons_outages"
    OPENS_TICKETS = "opens_tickets"
    BREACHES_TARGETS = "breaches_targets"
    WIDENS_RIGHTS = "widens_rights"
    PUBLISHES_GROUP = "publishes_group"
    DECLARES_NOTHING = "declares_nothing"
    RETIRES_MANY = "retires_many"


_BY_SEVERITY: Final = tuple(HazardCode)
_ALLOWANCES: Final = {
    HazardCode.STRANDS_TICKETS: "stranded",
    HazardCode.BLOCKS_TICKETS: "stranded",
    HazardCode.CLOSES_TICKETS: "closed",
    HazardCode.SWITCHES_TICKETING_OFF: "switch_off",
    HazardCode.ABANDONS_OUTAGES: "abandoned",
    HazardCode.OPENS_TICKETS: "opened",
    HazardCode.BREACHES_TARGETS: "breached",
    HazardCode.WIDENS_RIGHTS: "widening",
    HazardCode.PUBLISHES_GROUP: "publishing",
    HazardCode.DECLARES_NOTHING: "empty",
    HazardCode.RETIRES_MANY: "many_retired",
}
"""The attribute of `Allowances` that acknowledges hazards with a code."""
_NOUNS: Final = {
    Kind.WORKFLOW: ("active workflow", "active workflows"),
    Kind.CATEGORY: ("active category", "active categories"),
    Kind.CALENDAR: ("active calendar", "active calendars"),
    Kind.ITEM: ("active catalog item", "active catalog items"),
    Kind.SERVICE: ("active service", "active services"),
    Kind.WEBHOOK: ("active webhook", "active webhooks"),
}
"""The kinds of which a plan can retire many. A setting that is not declared has its default."""


class _Found(NamedTuple):
    """A hazard without its remedy, which depends on all other hazards."""

    code: HazardCode
    key: Key | None
    message: str
    tickets: int = 0


@dataclass(frozen=True, slots=True)
class Hazard:
    """A part of a plan that can do harm.

    Attributes:
        key: the resource; None if the hazard is about several resources.
        tickets: the number of tickets that are harmed; of services, if it is about outages.
        remedy: the command-line flag that acknowledges the hazard.

    """

    code: HazardCode
    key: Key | None
    message: str
    tickets: int
    remedy: str


def hazards(plan: Plan) -> tuple[Hazard, ...]:
    """Return all hazards of a plan, the most severe first."""
    found = sorted(_find_hazards(plan), key=lambda hazard: _BY_SEVERITY.index(hazard.code))
    totals = _count_by_allowance(found)
    remedies = {
        code: option_of(allowance, totals[allowance]) for code, allowance in _ALLOWANCES.items()
    }
    return tuple(Hazard(*hazard, remedy=remedies[hazard.code]) for hazard in found)


def _count_by_allowance(found: Iterable[_Found | Hazard]) -> Counter[str]:
    """Return how many tickets are harmed in total, for each attribute that acknowledges it."""
    totals = Counter[str]()
    for hazard in found:
        totals[_ALLOWANCES[hazard.code]] += hazard.tickets
    return totals


def _find_hazards(plan: Plan) -> Iterator[_Found]:
    for change in plan.changes:
        yield from _hazards_for_users(change)
        yield from _foreseen_hazards(change)
    yield from _hazards_of_repairs(plan)
    yield from _declares_nothing(plan)
    yield from _retires_many(plan)


def _hazards_for_users(change: PlannedChange) -> Iterator[_Found]:
    """Yield the hazards of a change for what users can do."""
    impact = change.impact
    if count := impact.stranded.tickets:
        message = f"Retiring {change.key} strands {plural(count, 'live ticket')}."
        yield _Found(HazardCode.STRANDS_TICKETS, change.key, message, count)
    if count := impact.stuck.tickets:
        message = (
            f"Under {change.key}, no user can move {plural(count, 'live ticket')}"
            f" from {', '.join(impact.stuck.by_status)}."
        )
        yield _Found(HazardCode.BLOCKS_TICKETS, change.key, message, count)
    if change.widens:
        widened = ", ".join(
            f"{each.source} -> {each.target}" for each in change.transitions if each.widens
        )
        message = f"Under {change.key}, more users can make these transitions: {widened}."
        yield _Found(HazardCode.WIDENS_RIGHTS, change.key, message, impact.gaining.tickets)
    if exposes_tickets(change):
        count = impact.exposed.tickets
        message = (
            f"All signed-in users can read every ticket, among them {plural(count, 'live ticket')}."
        )
        yield _Found(HazardCode.WIDENS_RIGHTS, change.key, message, count)
    if added := groups_added_to_on_behalf(change):
        shown = [*added[:_GROUPS_SHOWN], *(["…"] if len(added) > _GROUPS_SHOWN else [])]
        message = (
            f"Members of {plural(len(added), 'more group')} can open tickets for other users:"
            f" {', '.join(shown)}."
        )
        yield _Found(HazardCode.WIDENS_RIGHTS, change.key, message)
    for group in impact.published:
        message = (
            f"The group {group} becomes public: the status page shows its status, uptime, incidents"
            " and maintenance to everyone, without a sign-in."
        )
        yield _Found(HazardCode.PUBLISHES_GROUP, change.key, message)
    if switches_off(change):
        count = impact.frozen.tickets
        message = (
            "Ticketing is switched off: no user can open a ticket or change"
            f" {plural(count, 'live ticket')}."
        )
        yield _Found(HazardCode.SWITCHES_TICKETING_OFF, change.key, message, count)


def _foreseen_hazards(change: PlannedChange) -> Iterator[_Found]:
    """Yield the hazards of what happens without any user within an hour after a change."""
    impact = change.impact
    since = f"Within an hour after the change of {change.key}, system"
    if count := impact.closing.tickets:
        message = f"{since} closes {plural(count, 'ticket')} for good."
        yield _Found(HazardCode.CLOSES_TICKETS, change.key, message, count)
    if count := impact.abandoned.services:
        message = (
            f"Retiring {change.key} abandons its outage: it is DOWN or has a live ticket."
            if change.action is Action.RETIRE
            else f"After the change of {change.key}, the outages of {plural(count, 'service')}"
            " open no ticket."
        )
        yield _Found(HazardCode.ABANDONS_OUTAGES, change.key, message, count)
    if count := impact.opening.services + impact.reopening.tickets:
        message = f"{since} opens or re-opens {plural(count, 'outage ticket')}."
        yield _Found(HazardCode.OPENS_TICKETS, change.key, message, count)
    if count := impact.breaching.tickets:
        message = f"{since} records that {plural(count, 'ticket')} missed an SLA target."
        yield _Found(HazardCode.BREACHES_TARGETS, change.key, message, count)


def _hazards_of_repairs(plan: Plan) -> Iterator[_Found]:
    """Yield the hazards of what happens within an hour after the repair of tickets."""
    if plan.tickets is None:
        return
    since = "Within an hour after the repair of tickets, system"
    if count := plan.tickets.closing.tickets:
        message = f"{since} closes {plural(count, 'of them', 'of them')} for good."
        yield _Found(HazardCode.CLOSES_TICKETS, None, message, count)
    if count := plan.tickets.breaching.tickets:
        message = (
            f"{since} records that {plural(count, 'of them', 'of them')} missed an SLA target."
        )
        yield _Found(HazardCode.BREACHES_TARGETS, None, message, count)


def _declares_nothing(plan: Plan) -> Iterator[_Found]:
    """Yield a hazard if values that declare nothing replace active resources."""
    verbs = {Action.RETIRE: "retires", Action.UPDATE: "resets"}
    replaced = Counter(
        change.action
        for change in plan.changes
        if is_active(change.before) and change.action in verbs
    )
    if plan.declared or not replaced:
        return
    effects = [f"{verb} {replaced[action]:,}" for action, verb in verbs.items() if replaced[action]]
    noun = "resource" if replaced.total() == 1 else "resources"
    message = f"The values declare nothing; the plan {' and '.join(effects)} active {noun}."
    yield _Found(HazardCode.DECLARES_NOTHING, None, message)


def _retires_many(plan: Plan) -> Iterator[_Found]:
    """Yield a hazard for each kind of which a plan retires too large a share."""
    retired = Counter(each.kind for each in plan.changes if each.action is Action.RETIRE)
    for kind, nouns in _NOUNS.items():
        active = plan.active.get(kind, 0)
        if retired[kind] > _RETIRED_SHARE_MOST * active:
            message = (
                f"The plan retires {retired[kind]:,} of {plural(active, *nouns)},"
                f" more than {_RETIRED_SHARE_MOST:.0%}."
            )
            yield _Found(HazardCode.RETIRES_MANY, None, message)


def plan_approval(plan: Plan) -> str:
    """Return the approval of a plan."""
    return approval_of(plan, ((each.code, str(each.key or "")) for each in _find_hazards(plan)))


def is_approved(plan: Plan) -> bool:
    """Return whether the values of a plan approve it."""
    return plan.approved != "" and plan.approved == plan_approval(plan)


def unacknowledged(plan: Plan, allowed: Allowances) -> list[Hazard]:
    """Return the hazards of a plan that neither the caller acknowledges nor its values approve."""
    if is_approved(plan):
        return []
    found = hazards(plan)
    totals = _count_by_allowance(found)
    return [
        hazard
        for hazard in found
        if not allowed.allows(name := _ALLOWANCES[hazard.code], totals[name])
    ]


def flags_of(found: Iterable[Hazard]) -> list[str]:
    """Return the command-line flags that acknowledge hazards, each once."""
    return list(dict.fromkeys(hazard.remedy for hazard in found))


def flags_to_add(found: Iterable[Hazard]) -> str:
    """Return the last line of a report on hazards: the flags that acknowledge them."""
    return f"To apply it, add: {' '.join(flags_of(found))}"


def check_guards(plan: Plan, allowed: Allowances) -> None:
    """Raise RefusedByGuard if a plan has hazards that are not acknowledged.

    Raises:
        RefusedByGuard: with every such hazard and the flag that acknowledges it.

    """
    if refused := unacknowledged(plan, allowed):
        lines = [
            "The plan has hazards that were not acknowledged.",
            *(f"{each.remedy}: {each.message}" for each in refused),
            *([_OTHER_PLAN.format(plan.approved)] if plan.approved else []),
            flags_to_add(refused),
        ]
        names = ("code", "message", "tickets", "remedy")
        details = [{name: getattr(each, name) for name in names} for each in refused]
        raise RefusedByGuard("\n".join(lines), hazards=details)
