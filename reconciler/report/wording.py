"""The texts of a plan that all reports share. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from engine.resources.resource import Kind
from engine.tickets.history import RecordedTransitions
from reconciler.diff import Action
from reconciler.hazards import Hazard, HazardCode, hazards
from reconciler.impact import (
    SERVICE_GROUPS,
    TICKET_GROUPS,
    AffectedServices,
    AffectedTickets,
    Impact,
)
from reconciler.permissions_diff import Effect, TransitionChange
from reconciler.plan import Plan, PlannedChange
from reconciler.plural import plural
from reconciler.replay import Replay
from reconciler.report.fields import changed_fields
from reconciler.ticket_repairs import TicketRepairs

NO_CHANGES: Final = "Plan: no changes. The database matches the declaration."
TICKETS_TITLE: Final = "Tickets"
HAZARDS_TITLE: Final = "This plan has hazards."
NO_ROLE: Final = "none"
_EXAMPLES_SHOWN: Final = 3
_ITEMS_SHOWN: Final = 10
_FIELDS_SHOWN: Final = 5

SYMBOLS: Final = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.RETIRE: "-",
    Action.REVIVE: "↺",
    Action.REPAIR: "*",
}
HEADINGS: Final = {
    Kind.WORKFLOW: "Workflows",
    Kind.CATEGORY: "Categories",
    Kind.CALENDAR: "Calendars",
    Kind.ITEM: "Catalog items",
    Kind.SERVICE: "Services",
    Kind.WEBHOOK: "Webhooks",
    Kind.SETTING: "Settings",
}
HAZARD_TITLES: Final = {
    HazardCode.STRANDS_TICKETS: "Strands live tickets",
    HazardCode.BLOCKS_TICKETS: "Blocks live tickets",
    HazardCode.CLOSES_TICKETS: "Closes tickets",
    HazardCode.SWITCHES_TICKETING_OFF: "Switches ticketing off",
    HazardCode.ABANDONS_OUTAGES: "Abandons outages",
    HazardCode.OPENS_TICKETS: "Opens tickets",
    HazardCode.BREACHES_TARGETS: "Breaches SLA targets",
    HazardCode.WIDENS_RIGHTS: "Widens rights",
    HazardCode.PUBLISHES_GROUP: "Publishes a group",
    HazardCode.DECLARES_NOTHING: "Declares nothing",
    HazardCode.RETIRES_MANY: "Retires many resources",
}


class _Phrase(NamedTuple):
    """How a group of an impact is described: `3 live tickets gain a transition`.

    Attributes:
        brief: after a number, in a table.
        noun: what is counted.
        text: what happens to several of them.
        singular: what happens to one; by default `text`.

    """

    brief: str
    noun: str
    text: str
    singular: str = ""

    @property
    def text_of_one(self) -> str:
        """What happens to one of them."""
        return self.singular or self.text


_HARM: Final = {
    "stranded": _Phrase("stranded", "live ticket", "stranded"),
    "stuck": _Phrase("stuck", "live ticket", "stuck"),
    "closing": _Phrase("closed", "ticket", "closed by system within an hour"),
    "frozen": _Phrase("frozen", "live ticket", "frozen while ticketing is off"),
    "reopening": _Phrase("re-opened", "ticket", "re-opened by system within an hour"),
    "breaching": _Phrase("breached", "ticket", "with breaches recorded within an hour"),
    "exposed": _Phrase("exposed", "live ticket", "exposed to all users"),
}
_SERVICES: Final = {
    "abandoned": _Phrase("abandoned", "service", "abandoned in an outage"),
    "opening": _Phrase(
        "opened",
        "service",
        "get an outage ticket within an hour",
        "gets an outage ticket within an hour",
    ),
}
_OTHER_EFFECTS: Final = {
    "gaining": _Phrase(
        "gain a transition", "live ticket", "gain a transition", "gains a transition"
    ),
    "losing": _Phrase(
        "lose a transition", "live ticket", "lose a transition", "loses a transition"
    ),
    "keeping": _Phrase(
        "in the former group",
        "live ticket",
        "keep the former assignee group",
        "keeps the former assignee group",
    ),
    "commenting": _Phrase("commented", "ticket", "commented on by system within an hour"),
    "spared": _Phrase("spared", "ticket", "spared by system for another hour"),
}


def summary(plan: Plan) -> str:
    """Return the number of changes by action, in one line."""
    if plan.is_empty:
        return NO_CHANGES
    counts = [(plan.count(action), action) for action in Action]
    parts = [f"{count:,} to {action}" for count, action in counts if count]
    if tickets := plan.repaired_tickets:
        parts.append(f"values of {plural(len(tickets), 'ticket')} to repair")
    return f"Plan: {', '.join(parts)}."


def ticket_sentences(repairs: TicketRepairs) -> Iterator[str]:
    """Yield which tickets a plan repairs, and what that means; nothing if all match."""
    if count := len(repairs.tickets):
        listed = _listed(repairs.tickets[:_EXAMPLES_SHOWN], count)
        yield f"{plural(count, 'ticket')} with stored values that differ from the history: {listed}"
        columns = repairs.columns.items()
        counts = [f"{column} of {plural(each, 'ticket')}" for column, each in columns]
        yield f"What differs: {', '.join(counts)}"
    for affected, phrase in ((repairs.closing, "closing"), (repairs.breaching, "breaching")):
        if affected.tickets:
            tickets = plural(affected.tickets, _HARM[phrase].noun)
            yield f"{tickets} {_HARM[phrase].text}: {_statuses(affected)}"
    if not repairs.is_complete:
        yield "There are more such tickets. Plan again when this plan is applied."
    if repairs.invalid:
        yield (
            f"{plural(repairs.invalid, 'ticket')} with an invalid history, which the plan does not"
            " repair: run interlock history verify."
        )


def hazards_by_code(plan: Plan) -> list[tuple[HazardCode, list[Hazard]]]:
    """Return the hazards of a plan, grouped by code, the most severe first."""
    return [
        (code, list(group)) for code, group in groupby(hazards(plan), lambda hazard: hazard.code)
    ]


def changes_by_kind(plan: Plan) -> list[tuple[Kind, list[PlannedChange]]]:
    """Return the changes of a plan in their order, grouped by kind."""
    return [
        (kind, list(group)) for kind, group in groupby(plan.changes, lambda change: change.kind)
    ]


def change_in_brief(change: PlannedChange) -> str:
    """Return the changed transitions and fields in a few words."""
    if change.before is None:
        return plural(len(change.transitions), "transition") if change.transitions else ""
    repairs = (f"stored {each.column}" for each in change.repairs)
    fields = (field.path for field in changed_fields(change))
    words = [*repairs, *_effects(change.transitions), *fields]
    return _listed(words[:_FIELDS_SHOWN], len(words))


def _effects(transitions: Iterable[TransitionChange]) -> Iterator[str]:
    """Yield the number of transitions with each effect."""
    counts = Counter(each.effect for each in transitions)
    found = [effect for effect in Effect if counts[effect]]
    for effect in found[:1]:
        yield f"{plural(counts[effect], 'transition')} {effect}"
    for effect in found[1:]:
        yield f"{counts[effect]} {effect}"


def impact_in_brief(impact: Impact) -> str:
    """Return the number of tickets that are affected in each way, in a few words."""
    phrases = _HARM | _OTHER_EFFECTS
    tickets = ((phrases[name].brief, getattr(impact, name).tickets) for name in TICKET_GROUPS)
    services = ((_SERVICES[name].brief, getattr(impact, name).services) for name in SERVICE_GROUPS)
    return ", ".join(f"{count:,} {brief}" for brief, count in (*tickets, *services) if count)


def harm_sentences(impact: Impact) -> Iterator[str]:
    """Yield how a change harms tickets and services in an outage."""
    yield from _ticket_sentences(impact, _HARM)
    for name, phrase in _SERVICES.items():
        affected: AffectedServices = getattr(impact, name)
        if affected.services:
            services = plural(affected.services, phrase.noun)
            yield f"{services} {phrase.text}: {_listed(affected.examples, affected.services)}"


def other_sentences(impact: Impact) -> Iterator[str]:
    """Yield the other effects of a change on tickets, and on the catalog."""
    yield from _ticket_sentences(impact, _OTHER_EFFECTS)
    if impact.published:
        groups = _listed(impact.published[:_ITEMS_SHOWN], len(impact.published))
        yield f"{plural(len(impact.published), 'group')} on the public status page: {groups}"
    if impact.items:
        verb = "uses" if len(impact.items) == 1 else "use"
        items = _listed(impact.items[:_ITEMS_SHOWN], len(impact.items))
        yield f"{plural(len(impact.items), 'catalog item')} {verb} it: {items}"


def _ticket_sentences(impact: Impact, phrases: Mapping[str, _Phrase]) -> Iterator[str]:
    for name, phrase in phrases.items():
        affected: AffectedTickets = getattr(impact, name)
        if affected.tickets:
            tickets = plural(affected.tickets, phrase.noun)
            text = phrase.text_of_one if affected.tickets == 1 else phrase.text
            yield f"{tickets} {text}: {_statuses(affected)}"


def _statuses(affected: AffectedTickets) -> str:
    """Return the number of tickets in each status, with the ids of a few."""
    counts = ", ".join(f"{count:,} {status}" for status, count in affected.by_status.items())
    examples = ", ".join(affected.examples[:_EXAMPLES_SHOWN])
    return f"{counts}, such as {examples}" if examples else counts


def replay_sentence(replay: Replay) -> str:
    """Return how many recorded transitions would have been refused, in one sentence."""
    refused = sum(each.times for each in replay.refused)
    transitions = f"{plural(replay.times, 'transition')} in the last {plural(replay.days, 'day')}"
    return f"The proposed workflows would have refused {refused:,} of {transitions}."


def users(transitions: RecordedTransitions) -> str:
    """Return how many users made recorded transitions, with the ids of a few."""
    count, examples = plural(transitions.actors, "user"), ", ".join(transitions.examples)
    if not examples:
        return count
    is_complete = len(transitions.examples) == transitions.actors
    return f"{count}{': ' if is_complete else ', such as '}{examples}"


def _listed(shown: Sequence[str], total: int) -> str:
    """Return words separated by commas, and the number of the others."""
    more = f" and {total - len(shown):,} more" if total > len(shown) else ""
    return ", ".join(shown) + more
