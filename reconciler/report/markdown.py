"""A plan for a comment on a pull request: Markdown as GitHub and GitLab read it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from engine.tickets.history import RecordedTransitions
from reconciler.hazards import Hazard, HazardCode
from reconciler.permissions_diff import TransitionChange
from reconciler.plan import Plan, PlannedChange
from reconciler.replay import Replay
from reconciler.report import wording
from reconciler.report.escaping import code, html_code, prose
from reconciler.report.fields import UNSET, FieldChange, fields_changed

COMMENT_CHARACTERS: Final = 65_536
"""The longest comment that GitHub takes."""
NOTICE_CHARACTERS: Final = 500
"""Kept free to say what was cut."""
HAZARDS_SHOWN: Final = 5
"""Hazards of one code that are told one by one."""
FILES_SHOWN: Final = 5
REFUSED_SHOWN: Final = 20
"""Kinds of refused transitions that are told one by one."""
ORIGIN_CHARACTERS: Final = 100
"""Of a source's or a file's name; a longer one is cut."""
UNFOLDED_MOST: Final = 3
"""Details that stand unfolded: no more than a reader takes in at a glance."""

TITLE: Final = "## Interlock plan"


@dataclass(frozen=True, slots=True)
class Comment:
    """The parts of a comment.

    Attributes:
        warning: what can do harm; empty if nothing can.
        overview: how much happens, from where, and what the replay found.
        rows: of the table, one for each change.
        details: one block for each change that has any, and for the replay.

    """

    warning: str
    overview: str
    rows: Sequence[str]
    details: Sequence[str]

    def text(self, cut: str, rows: int, details: int) -> str:
        """Return the comment with so many of its rows and details, and what was cut."""
        parts = [TITLE, self.warning, cut, self.overview, table(ROW_HEAD, self.rows[:rows])]
        return "\n\n".join(part for part in [*parts, *self.details[:details]] if part) + "\n"


def as_markdown(plan: Plan) -> str:
    """Return a plan as Markdown of at most 65,536 characters.

    What can do harm, what was cut and how much happens stand in it always, and stand first.
    """
    comment = comment_on(plan)
    whole = comment.text("", len(comment.rows), len(comment.details))
    return whole if len(whole) <= COMMENT_CHARACTERS else cut_to_fit(comment)


def cut_to_fit(comment: Comment) -> str:
    """Return as much of a comment as fits: rows before details, the first before the last."""
    room = COMMENT_CHARACTERS - len(comment.text("", 1, 0)) - NOTICE_CHARACTERS
    rows = fitting(comment.rows, room)
    details = fitting(comment.details, room - sum(map(size, comment.rows[:rows])))
    return comment.text(cut_notice(comment, rows, details), rows, details)


def fitting(parts: Sequence[str], room: int) -> int:
    """Return how many parts from the first on have room."""
    for count, part in enumerate(parts):
        room -= size(part)
        if room < 0:
            return count
    return len(parts)


def size(part: str) -> int:
    """Return the characters of a part and of the lines between it and the next."""
    return len(part) + len("\n\n")


def cut_notice(comment: Comment, rows: int, details: int) -> str:
    """Return what is missing, and where all of it is to be seen."""
    missing = [
        f"{whole - shown:,} of {wording.plural(whole, noun)}"
        for shown, whole, noun in (
            (rows, len(comment.rows), "change"),
            (details, len(comment.details), "folded part"),
        )
        if shown < whole
    ]
    return quoted(
        "CAUTION",
        f"**This comment is cut: {' and '.join(missing)} are not shown.**"
        f" A comment has at most {COMMENT_CHARACTERS:,} characters;"
        " `interlock plan` in a terminal shows everything.",
    )


def comment_on(plan: Plan) -> Comment:
    """Return the parts of the comment on a plan."""
    blocks = list(details_of(plan))
    opening = "<details open>" if len(blocks) <= UNFOLDED_MOST else "<details>"
    return Comment(
        warning=warning_of(plan),
        overview="\n\n".join(overview_of(plan)),
        rows=list(map(row_of, plan.changes)),
        details=[f"{opening}{block}\n\n</details>" for block in blocks],
    )


# --- what stands first --------------------------------------------------------------------------


def warning_of(plan: Plan) -> str:
    """Return what can do harm, and what to add if it is meant; nothing if nothing can."""
    found = wording.hazards_by_code(plan)
    lines = [line for code, hazards in found for line in lines_of_harm(code, hazards)]
    return quoted("WARNING", "**This plan can do harm.**", "", *lines) if lines else ""


def lines_of_harm(code: HazardCode, hazards: list[Hazard]) -> Iterator[str]:
    """Yield the hazards of one code."""
    yield f"- It {wording.HARM[code]} (`{code}`). If it is meant, add `{hazards[0].remedy}`."
    yield from (f"  - {prose(hazard.message)}" for hazard in hazards[:HAZARDS_SHOWN])
    if more := hazards[HAZARDS_SHOWN:]:
        yield f"  - … and **{len(more):,} more** like these, not shown here."


def quoted(kind: str, *lines: str) -> str:
    """Return lines as an alert (GitHub, GitLab), elsewhere a quotation."""
    return "\n".join(f"> {line}".rstrip() for line in (f"[!{kind}]", *lines))


def overview_of(plan: Plan) -> Iterator[str]:
    """Yield how much happens, from where the plan came, and what its replay found."""
    yield f"**{wording.summary(plan)}**"
    yield f"Made at {plan.created_at:%Y-%m-%d %H:%M:%S} UTC from {origins_of(plan)}"
    if plan.replay is not None:
        sentence = wording.replay_sentence(plan.replay)
        yield f"**{sentence}**" if plan.replay.refused else sentence


def origins_of(plan: Plan) -> str:
    """Return a plan's source and files; those alone, if nobody named a source beside them."""
    more = plan.files[FILES_SHOWN:]
    files = ", ".join(map(origin, plan.files[:FILES_SHOWN]))
    files += f" and {len(more):,} more" if more else ""
    if plan.files and plan.source == ", ".join(plan.files):
        return files
    return f"{origin(plan.source)}: {files}" if files else origin(plan.source)


def origin(name: str) -> str:
    """Return a source's or a file's name, shortened."""
    return code(name if len(name) <= ORIGIN_CHARACTERS else f"{name[:ORIGIN_CHARACTERS]}…")


# --- what changes -------------------------------------------------------------------------------

ROW_HEAD: Final = ("", "Kind", "Name", "What changes", "Live tickets", "Declared")


def table(head: Sequence[str], rows: Sequence[str]) -> str:
    """Return a table; nothing if there are no rows."""
    return "\n".join([row(*head), row(*["---"] * len(head)), *rows]) if rows else ""


def row(*cells: str) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |"


def row_of(planned: PlannedChange) -> str:
    """Return the row of a change."""
    change = planned.change
    return row(
        f"`{wording.SYMBOLS[change.action]}`",
        change.key.kind,
        code(change.key.name),
        ": ".join(filter(None, (change.action, wording.in_brief(planned)))),
        wording.impact_in_brief(planned.impact),
        "" if planned.at is None else code(str(planned.at)),
    )


def details_of(plan: Plan) -> Iterator[str]:
    """Yield what folds away: of each change what it means, and the refused transitions."""
    for planned in plan.changes:
        parts = list(parts_of(planned))
        if parts:
            change = planned.change
            symbol, name = wording.SYMBOLS[change.action], html_code(change.key.name)
            yield details(f"<code>{symbol}</code> {change.key.kind} {name}", *parts)
    if plan.replay is not None and plan.replay.refused:
        yield details("Transitions that would have been refused", *refused_parts(plan.replay))


def details(title: str, *parts: str) -> str:
    """Return what stands in a block that folds away, below its title (HTML)."""
    return "\n\n".join([f"<summary>{title}</summary>", *parts])


def parts_of(planned: PlannedChange) -> Iterator[str]:
    """Yield what a change means: transitions, fields, live tickets."""
    if planned.transitions:
        yield table(
            ("Transition", "Before", "After", ""), list(map(transition_row, planned.transitions))
        )
    if fields := fields_changed(planned.change):
        yield table(("Field", "Before", "After"), list(map(field_row, fields)))
    impact = planned.impact
    sentences = [f"**{each}**" for each in map(prose, wording.harm_sentences(impact))]
    sentences += map(prose, wording.other_sentences(impact))
    if sentences:
        yield "\n".join(f"- {sentence}" for sentence in sentences)


def transition_row(move: TransitionChange) -> str:
    """Return the row of a transition."""
    pair = f"`{move.source}` → `{move.target}`"
    return row(pair, move.before or wording.NOBODY, move.after or wording.NOBODY, move.effect)


def field_row(field: FieldChange) -> str:
    """Return the row of a field."""
    return row(code(field.path), value(field.before), value(field.after))


def value(shown: str | None) -> str:
    """Return a field's value; nothing for none."""
    if shown is None or shown == UNSET:
        return shown or ""
    return code(shown)


def refused_parts(replay: Replay) -> Iterator[str]:
    """Yield the refused transitions, the most frequent of them."""
    head = ("Workflow", "Transition", "Made as", "Times", "People")
    yield table(head, list(map(refused_row, replay.refused[:REFUSED_SHOWN])))
    if more := replay.refused[REFUSED_SHOWN:]:
        yield f"… and **{len(more):,} more kinds** of transition, less frequent, not shown here."


def refused_row(moves: RecordedTransitions) -> str:
    """Return the row of recorded transitions of one kind."""
    people = ", ".join([f"{moves.actors:,}", *map(origin, moves.examples)])
    return row(
        code(moves.workflow),
        f"`{moves.source}` → `{moves.target}`",
        " and ".join(moves.held.names) or wording.NOBODY,
        f"{moves.times:,}",
        people,
    )
