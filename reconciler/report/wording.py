"""The texts of a plan that all reports share. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from engine.resources.resource import Kind
from engine.tickets.history import RecordedTransitions
from reconciler.diff import Action
from reconciler.hazards import Hazard, HazardCode, hazards
from reconciler.impact import AffectedTickets, Impact
from reconciler.permissions_diff import Effect, TransitionChange
from reconciler.plan import Plan, PlannedChange
from reconciler.plural import plural
from reconciler.replay import Replay
from reconciler.report.fields import changed_fields

NO_CHANGES: Final = "Plan: no changes. The database matches the declaration."
HAZARDS_TITLE: Final = "This plan has hazards. To apply it, pass the listed flags."
NO_ROLE: Final = "none"
_EXAMPLES_SHOWN: Final = 3
_ITEMS_SHOWN: Final = 10
_FIELDS_SHOWN: Final = 5

SYMBOLS: Final = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.RETIRE: "-",
    Action.REVIVE: "↺",
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
    HazardCode.WIDENS_RIGHTS: "Widens rights",
    HazardCode.DECLARES_NOTHING: "Declares nothing",
    HazardCode.RETIRES_MANY: "Retires many resources",
}


def summary(plan: Plan) -> str:
    """Return the number of changes by action, in one line."""
    if plan.is_empty:
        return NO_CHANGES
    counts = [(plan.count(action), action) for action in Action]
    return f"Plan: {', '.join(f'{count:,} to {action}' for count, action in counts if count)}."


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
    fields = (field.path for field in changed_fields(change))
    return _listed([*_effects(change.transitions), *fields], _FIELDS_SHOWN)


def _effects(transitions: Iterable[TransitionChange]) -> Iterator[str]:
    """Yield the number of transitions with each effect."""
    counts = Counter(each.effect for each in transitions)
    found = [effect for effect in Effect if counts[effect]]
    for effect in found[:1]:
        yield f"{plural(counts[effect], 'transition')} {effect}"
    for effect in found[1:]:
        yield f"{counts[effect]} {effect}"


def impact_in_brief(impact: Impact) -> str:
    """Return the number of live tickets that are affected in each way, in a few words."""
    words = {
        "stranded": impact.stranded,
        "stuck": impact.stuck,
        "gain a transition": impact.gaining,
        "lose a transition": impact.losing,
    }
    return ", ".join(f"{each.tickets:,} {word}" for word, each in words.items() if each.tickets)


def harm_sentences(impact: Impact) -> Iterator[str]:
    """Yield which live tickets no user can move after the change."""
    for affected, word in ((impact.stranded, "stranded"), (impact.stuck, "stuck")):
        if affected.tickets:
            yield f"{plural(affected.tickets, 'live ticket')} {word}: {_statuses(affected)}"


def other_sentences(impact: Impact) -> Iterator[str]:
    """Yield the other effects of a change on live tickets, and on the catalog."""
    for affected, verb in ((impact.gaining, "gain"), (impact.losing, "lose")):
        if affected.tickets:
            tickets = plural(affected.tickets, "live ticket")
            suffix = "s" if affected.tickets == 1 else ""
            yield f"{tickets} {verb}{suffix} a transition: {_statuses(affected)}"
    if impact.items:
        verb = "uses" if len(impact.items) == 1 else "use"
        items = _listed(impact.items, _ITEMS_SHOWN)
        yield f"{plural(len(impact.items), 'catalog item')} {verb} it: {items}"


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


def _listed(words: Iterable[str], most: int) -> str:
    """Return words separated by commas, at most this many, and the number of the others."""
    words = list(words)
    more = f" and {len(words) - most:,} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
