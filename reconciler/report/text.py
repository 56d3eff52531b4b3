"""A plan as text for a terminal: hazards first, then the changes, and the summary last."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from rich.console import Console
from rich.text import Text

from engine.tickets.history import RecordedTransitions
from reconciler.allowances import NO_ALLOWANCES, Allowances
from reconciler.diff import Action
from reconciler.hazards import Hazard, HazardCode, flags_to_add, plan_approval, unacknowledged
from reconciler.permissions_diff import Effect, TransitionChange
from reconciler.plan import Plan, PlannedChange
from reconciler.plural import plural
from reconciler.replay import Replay
from reconciler.report import wording
from reconciler.report.escaping import visible
from reconciler.report.fields import FieldChange, changed_fields, repaired_values

_INDENT: Final = " " * 6

_ACTION_STYLES: Final = {
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.RETIRE: "red",
    Action.REVIVE: "cyan",
    Action.REPAIR: "magenta",
}
_EFFECT_STYLES: Final = {
    Effect.ADDED: "green",
    Effect.REMOVED: "red",
    Effect.WIDENED: "yellow",
    Effect.NARROWED: "cyan",
    Effect.SWAPPED: "magenta",
}


def print_plan(plan: Plan, console: Console, allowed: Allowances = NO_ALLOWANCES) -> None:
    """Print a plan, in colour if the console supports it. The terminal wraps long lines.

    Args:
        plan: the plan.
        console: where to print it.
        allowed: the hazards that are acknowledged; the last line has the flags for the others.

    """
    console.print(as_text(plan, allowed), soft_wrap=True)


def as_text(plan: Plan, allowed: Allowances = NO_ALLOWANCES) -> Text:
    """Return a plan as styled text. The styles carry no information of their own."""
    sections = [section for section in _sections(plan, allowed) if section]
    return Text("\n\n").join(Text("\n").join(section) for section in sections)


def _sections(plan: Plan, allowed: Allowances) -> Iterator[list[Text]]:
    """Yield the sections of the report, which blank lines separate."""
    groups = wording.hazards_by_code(plan)
    lines = [line for code, hazards in groups for line in _hazard_lines(code, hazards)]
    yield [Text(wording.HAZARDS_TITLE, "bold red"), *lines] if lines else []
    for kind, changes in wording.changes_by_kind(plan):
        heading = Text(wording.HEADINGS[kind], "bold")
        yield [heading, *(line for change in changes for line in _change_lines(change))]
    if plan.tickets is not None and (sentences := [*wording.ticket_sentences(plan.tickets)]):
        yield [Text(wording.TICKETS_TITLE, "bold"), *(Text(f"  {each}") for each in sentences)]
    if plan.replay is not None:
        yield list(_replay_lines(plan.replay))
    refused = unacknowledged(plan, allowed)
    last = (
        [Text(f"Approval: {plan_approval(plan)}"), Text(flags_to_add(refused), "bold red")]
        if refused
        else []
    )
    yield [Text(wording.summary(plan), "bold"), *last]


def _hazard_lines(code: HazardCode, hazards: list[Hazard]) -> Iterator[Text]:
    """Yield the hazards with one code."""
    mark, title = ("  ! ", "bold red"), f"{wording.HAZARD_TITLES[code]} "
    yield Text.assemble(mark, title, (f"[{code}]", "dim"), ": pass ", (hazards[0].remedy, "bold"))
    yield from (Text(f"{_INDENT}{visible(hazard.message)}", "red") for hazard in hazards)


def _change_lines(change: PlannedChange) -> Iterator[Text]:
    """Yield a change with its transitions, its fields and its impact."""
    line = Text.assemble(f"  {wording.SYMBOLS[change.action]} ", visible(change.name))
    line.stylize(f"bold {_ACTION_STYLES[change.action]}")
    location = "" if change.at is None else f"  {visible(str(change.at))}"
    yield line.append(location, "not bold dim")
    for value in repaired_values(change):
        yield _field_line(replace(value, path=f"stored {value.path}"))
    yield from _transition_lines(change)
    yield from map(_field_line, changed_fields(change))
    for sentence in wording.harm_sentences(change.impact):
        yield Text(f"{_INDENT}{visible(sentence)}", "bold red")
    for sentence in wording.other_sentences(change.impact):
        yield Text(f"{_INDENT}{visible(sentence)}")


def _transition_lines(change: PlannedChange) -> Iterator[Text]:
    """Yield transitions in columns; those of a new workflow with their roles only."""
    if change.before is None:
        rows = [(_arrow(each), str(each.after)) for each in change.transitions]
        yield from (Text(f"{_INDENT}{line.rstrip()}", "green") for line in _aligned(rows))
        return
    lines = _aligned([(_arrow(each), _roles(each)) for each in change.transitions])
    for each, line in zip(change.transitions, lines, strict=True):
        yield Text.assemble(f"{_INDENT}{line}  ", (each.effect, _EFFECT_STYLES[each.effect]))


def _arrow(transition: TransitionChange | RecordedTransitions) -> str:
    return f"{transition.source} -> {transition.target}"


def _roles(transition: TransitionChange) -> str:
    return f"{transition.before or wording.NO_ROLE} → {transition.after or wording.NO_ROLE}"


def _field_line(field: FieldChange) -> Text:
    """Return a field with its values; without the old value for a new resource."""
    line = Text(f"{_INDENT}{field.path}: ")
    if field.before is not None:
        line.append(visible(field.before), "red").append(" → ")
    return line.append(visible(field.after), "green")


def _replay_lines(replay: Replay) -> Iterator[Text]:
    """Yield the recorded transitions that would have been refused."""
    yield Text("Replay", "bold")
    yield Text(f"  {wording.replay_sentence(replay)}", "bold red" if replay.refused else "")
    for line in _aligned(list(map(_refused_cells, replay.refused))):
        yield Text(f"{_INDENT}{line.rstrip()}")


def _refused_cells(transitions: RecordedTransitions) -> tuple[str, ...]:
    return (
        visible(transitions.workflow),
        _arrow(transitions),
        f"as {' and '.join(transitions.held.names) or wording.NO_ROLE}",
        f"{plural(transitions.times, 'time')} by {visible(wording.users(transitions))}",
    )


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield rows as lines in which the cells of a column have the same width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
