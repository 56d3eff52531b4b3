"""A plan for a terminal: what can do harm first, then what changes, then how much."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from engine.tickets.history import RecordedTransitions
from reconciler.diff import Action
from reconciler.hazards import Hazard, HazardCode
from reconciler.permissions_diff import Effect, TransitionChange
from reconciler.plan import Plan, PlannedChange
from reconciler.replay import Replay
from reconciler.report import wording
from reconciler.report.escaping import visible
from reconciler.report.fields import FieldChange, fields_changed

DETAIL: Final = " " * 6

ACTION_STYLES: Final = {
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.RETIRE: "red",
    Action.REVIVE: "cyan",
}
EFFECT_STYLES: Final = {
    Effect.ADDED: "green",
    Effect.REMOVED: "red",
    Effect.WIDENED: "yellow",
    Effect.NARROWED: "cyan",
    Effect.SWAPPED: "magenta",
}


def print_plan(plan: Plan, console: Console) -> None:
    """Print a plan; in colour if the console has any. Long lines are left to the terminal."""
    console.print(as_text(plan), soft_wrap=True)


def as_text(plan: Plan) -> Text:
    """Return a plan as styled text; without its styles it says the same."""
    sections = [section for section in sections_of(plan) if section]
    return Text("\n\n").join(Text("\n").join(section) for section in sections)


def sections_of(plan: Plan) -> Iterator[list[Text]]:
    """Yield the parts of the report, between which there is a blank line."""
    yield list(hazard_lines(plan))
    for kind, changes in wording.changes_by_kind(plan):
        heading = Text(wording.HEADINGS[kind], "bold")
        yield [heading, *(line for planned in changes for line in change_lines(planned))]
    if plan.replay is not None:
        yield list(replay_lines(plan.replay))
    yield [Text(wording.summary(plan), "bold")]


def hazard_lines(plan: Plan) -> Iterator[Text]:
    """Yield what can do harm, and what to add if it is meant."""
    found = wording.hazards_by_code(plan)
    if found:
        yield Text("This plan can do harm", "bold red")
    for code, hazards in found:
        yield from lines_of_harm(code, hazards)


def lines_of_harm(code: HazardCode, hazards: list[Hazard]) -> Iterator[Text]:
    """Yield the hazards of one code."""
    yield Text.assemble(("  ! ", "bold red"), f"It {wording.HARM[code]} ", (f"[{code}]", "dim"))
    yield from (Text(f"{DETAIL}{visible(hazard.message)}", "red") for hazard in hazards)
    yield Text.assemble(f"{DETAIL}If it is meant, add ", (hazards[0].remedy, "bold"), ".")


def change_lines(planned: PlannedChange) -> Iterator[Text]:
    """Yield a change and, further in, what it means."""
    change = planned.change
    style = ACTION_STYLES[change.action]
    line = Text.assemble(f"  {wording.SYMBOLS[change.action]} ", visible(change.key.name))
    line.stylize(f"bold {style}")
    place = "" if planned.at is None else f"  {visible(str(planned.at))}"
    yield line.append(place, "not bold dim")
    yield from new_move_lines(planned) if change.before is None else move_lines(planned.transitions)
    yield from map(field_line, fields_changed(change))
    for sentence in wording.harm_sentences(planned.impact):
        yield Text(f"{DETAIL}{visible(sentence)}", "bold red")
    for sentence in wording.other_sentences(planned.impact):
        yield Text(f"{DETAIL}{visible(sentence)}")


def new_move_lines(planned: PlannedChange) -> Iterator[Text]:
    """Yield the transitions of a new workflow, with who may make them."""
    rows = [(pair_of(move), str(move.after)) for move in planned.transitions]
    yield from (Text(f"{DETAIL}{line.rstrip()}", "green") for line in aligned(rows))


def move_lines(moves: tuple[TransitionChange, ...]) -> Iterator[Text]:
    """Yield transitions in columns."""
    lines = aligned([(pair_of(move), roles_of(move)) for move in moves])
    for move, line in zip(moves, lines, strict=True):
        yield Text.assemble(f"{DETAIL}{line}  ", (move.effect, EFFECT_STYLES[move.effect]))


def pair_of(move: TransitionChange) -> str:
    """Return from where to where a transition leads."""
    return f"{move.source} -> {move.target}"


def roles_of(move: TransitionChange) -> str:
    """Return who may make a transition before and after."""
    return f"{move.before or wording.NOBODY} → {move.after or wording.NOBODY}"


def field_line(field: FieldChange) -> Text:
    """Return a field with its value before and after; of a new resource there is none before."""
    line = Text(f"{DETAIL}{field.path}: ")
    if field.before is not None:
        line.append(visible(field.before), "red").append(" → ")
    return line.append(visible(field.after), "green")


def replay_lines(replay: Replay) -> Iterator[Text]:
    """Yield what recorded transitions would have been refused."""
    yield Text("Replay", "bold")
    yield Text(f"  {wording.replay_sentence(replay)}", "bold red" if replay.refused else "")
    for line in aligned(list(map(refused_cells, replay.refused))):
        yield Text(f"{DETAIL}{line.rstrip()}")


def refused_cells(moves: RecordedTransitions) -> tuple[str, ...]:
    """Return the cells of recorded transitions of one kind."""
    return (
        visible(moves.workflow),
        f"{moves.source} -> {moves.target}",
        f"as {' and '.join(moves.held.names) or wording.NOBODY}",
        f"{wording.plural(moves.times, 'time')} by {visible(wording.people(moves))}",
    )


def aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield rows as lines, each cell as wide as its column."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
