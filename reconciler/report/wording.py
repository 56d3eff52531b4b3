"""What a plan says in words, the same in every report. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from engine.resources.resource import Kind
from engine.tickets.history import RecordedTransitions
from reconciler.diff import Action
from reconciler.hazards import Hazard, HazardCode, counted, hazards
from reconciler.impact import Affected, Impact
from reconciler.permissions_diff import Effect, TransitionChange
from reconciler.plan import Plan, PlannedChange
from reconciler.replay import Replay
from reconciler.report.fields import fields_changed

NOTHING_TO_DO: Final = "Nothing to do: the database holds what is declared."
NOBODY: Final = "nobody"
EXAMPLES_SHOWN: Final = 3
ITEMS_SHOWN: Final = 10
FIELDS_SHOWN: Final = 5

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
HARM: Final = {
    HazardCode.STRANDS: "strands live tickets",
    HazardCode.STICKS: "gets live tickets stuck",
    HazardCode.WIDENS: "lets people do more",
    HazardCode.RETIRES_MANY: "retires many workflows",
}


def summary(plan: Plan) -> str:
    """Return how much happens, in one line."""
    if plan.is_empty:
        return NOTHING_TO_DO
    counts = [(plan.count(action), action) for action in Action]
    return f"Plan: {', '.join(f'{count:,} to {action}' for count, action in counts if count)}."


def hazards_by_code(plan: Plan) -> list[tuple[HazardCode, list[Hazard]]]:
    """Return the hazards of a plan, gravest first, those of one code together."""
    return [
        (code, list(found)) for code, found in groupby(hazards(plan), lambda hazard: hazard.code)
    ]


def changes_by_kind(plan: Plan) -> list[tuple[Kind, list[PlannedChange]]]:
    """Return the changes of a plan in its order, those of one kind together."""
    return [
        (kind, list(found))
        for kind, found in groupby(plan.changes, lambda planned: planned.change.key.kind)
    ]


def in_brief(planned: PlannedChange) -> str:
    """Return which transitions and fields change, in a few words."""
    if planned.change.before is None:
        return plural(len(planned.transitions), "transition") if planned.transitions else ""
    fields = (field.path for field in fields_changed(planned.change))
    return listed([*effects(planned.transitions), *fields], FIELDS_SHOWN)


def effects(moves: Iterable[TransitionChange]) -> Iterator[str]:
    """Yield how many transitions have which effect."""
    by_effect = Counter(move.effect for move in moves)
    found = [effect for effect in Effect if by_effect[effect]]
    for effect in found[:1]:
        yield f"{plural(by_effect[effect], 'transition')} {effect}"
    for effect in found[1:]:
        yield f"{by_effect[effect]} {effect}"


def impact_in_brief(impact: Impact) -> str:
    """Return how many live tickets are affected in which way, in a few words."""
    words = {
        "stranded": impact.stranded,
        "stuck": impact.stuck,
        "gain a move": impact.gaining,
        "lose a move": impact.losing,
    }
    told = [f"{each.tickets:,} {word}" for word, each in words.items() if each.tickets]
    return ", ".join(told)


def harm_sentences(impact: Impact) -> Iterator[str]:
    """Yield what tickets can't be moved any more."""
    if impact.stranded.tickets:
        yield f"{counted(impact.stranded.tickets)} stranded: {where(impact.stranded)}"
    if impact.stuck.tickets:
        yield f"{counted(impact.stuck.tickets)} stuck: {where(impact.stuck)}"


def other_sentences(impact: Impact) -> Iterator[str]:
    """Yield what else a change means for live tickets, and for the catalog."""
    for affected, one, many in (
        (impact.gaining, "gains", "gain"),
        (impact.losing, "loses", "lose"),
    ):
        if affected.tickets:
            verb = one if affected.tickets == 1 else many
            yield f"{counted(affected.tickets)} {verb} a move: {where(affected)}"
    if impact.items:
        verb = "uses" if len(impact.items) == 1 else "use"
        items = listed(impact.items, ITEMS_SHOWN)
        yield f"{plural(len(impact.items), 'catalog item')} {verb} it: {items}"


def where(affected: Affected) -> str:
    """Return how many tickets stand in which status, with the ids of a few."""
    counts = ", ".join(f"{count:,} {status}" for status, count in affected.by_status.items())
    examples = ", ".join(affected.examples[:EXAMPLES_SHOWN])
    return f"{counts}, e.g. {examples}" if examples else counts


def replay_sentence(replay: Replay) -> str:
    """Return what a replay found, in one sentence."""
    refused = sum(moves.times for moves in replay.refused)
    judged = f"Of {plural(replay.times, 'transition')} of the last {plural(replay.days, 'day')}"
    return f"{judged}, {f'{refused:,}' if refused else 'none'} would have been refused."


def people(moves: RecordedTransitions) -> str:
    """Return who made recorded transitions."""
    count = "1 person" if moves.actors == 1 else f"{moves.actors:,} people"
    examples = ", ".join(moves.examples)
    return f"{count}, e.g. {examples}" if examples else count


def listed(words: Iterable[str], most: int) -> str:
    """Return words with commas, so many of them, and how many more there are."""
    words = list(words)
    more = f" and {len(words) - most:,} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def plural(count: int, noun: str) -> str:
    """Return a number of things."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
