"""A plan as a comment on a pull request, in the Markdown of GitHub and GitLab."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from engine.tickets.history import RecordedTransitions
from reconciler.hazards import Hazard, HazardCode, flags_of, hazards, plan_approval
from reconciler.permissions_diff import TransitionChange
from reconciler.plan import Plan, PlannedChange
from reconciler.plural import plural
from reconciler.replay import Replay
from reconciler.report import wording
from reconciler.report.escaping import code, html_code, prose
from reconciler.report.fields import UNSET, FieldChange, changed_fields, repaired_values

COMMENT_CHARACTERS: Final = 65_536
"""The longest comment that GitHub accepts."""
_NOTICE_CHARACTERS: Final = 500
"""Reserved for the notice that a comment is truncated."""
_HAZARDS_SHOWN: Final = 5
"""Hazards with the same code that are listed."""
_FILES_SHOWN: Final = 5
_REFUSED_SHOWN: Final = 20
"""Kinds of refused transitions that are listed."""
_ORIGIN_CHARACTERS: Final = 100
"""Characters of a source or of a file name; a longer one is truncated."""
_OPEN_SECTIONS_MOST: Final = 3
"""A comment with at most this many sections shows them expanded."""

_TITLE: Final = "## Interlock plan"


@dataclass(frozen=True, slots=True)
class _Comment:
    """The parts of a comment.

    Attributes:
        warning: the hazards; empty for a plan without hazards.
        overview: the summary, the origin, and the result of the replay.
        rows: the rows of the table, one for each change.
        sections: a collapsed section for each change with details, and for the replay.

    """

    warning: str
    overview: str
    rows: Sequence[str]
    sections: Sequence[str]

    def text(self, notice: str, rows: int, sections: int) -> str:
        """Return the comment with the first rows and sections, and a notice of the others."""
        table = _table(_CHANGE_HEAD, self.rows[:rows])
        parts = [_TITLE, self.warning, notice, self.overview, table]
        return "\n\n".join(part for part in [*parts, *self.sections[:sections]] if part) + "\n"


def as_markdown(plan: Plan) -> str:
    """Return a plan as Markdown of at most 65,536 characters.

    It always starts with the hazards, the truncation notice if any, and the summary.
    """
    comment = _comment_on(plan)
    whole = comment.text("", len(comment.rows), len(comment.sections))
    return whole if len(whole) <= COMMENT_CHARACTERS else _truncated(comment)


def _truncated(comment: _Comment) -> str:
    """Return as much of a comment as fits: rows before sections, the first before the last."""
    room = COMMENT_CHARACTERS - len(comment.text("", 1, 0)) - _NOTICE_CHARACTERS
    rows = _count_fitting(comment.rows, room)
    sections = _count_fitting(comment.sections, room - sum(map(_size, comment.rows[:rows])))
    return comment.text(_truncation_notice(comment, rows, sections), rows, sections)


def _count_fitting(parts: Sequence[str], room: int) -> int:
    """Return how many of the first parts fit."""
    return sum(total <= room for total in accumulate(map(_size, parts)))


def _size(part: str) -> int:
    """Return the length of a part with the blank line after it."""
    return len(part) + len("\n\n")


def _truncation_notice(comment: _Comment, rows: int, sections: int) -> str:
    missing = [
        f"{total - shown:,} of {plural(total, noun)}"
        for shown, total, noun in (
            (rows, len(comment.rows), "change"),
            (sections, len(comment.sections), "section"),
        )
        if shown < total
    ]
    return _alert(
        "CAUTION",
        f"**This comment is truncated: {' and '.join(missing)} are not shown.**"
        f" A comment has at most {COMMENT_CHARACTERS:,} characters;"
        " run `interlock plan` in a terminal to see the whole plan.",
    )


def _comment_on(plan: Plan) -> _Comment:
    sections = list(_sections(plan))
    opening = "<details open>" if len(sections) <= _OPEN_SECTIONS_MOST else "<details>"
    return _Comment(
        warning=_warning(plan),
        overview="\n\n".join(_overview(plan)),
        rows=list(map(_change_row, plan.changes)),
        sections=[f"{opening}{section}\n\n</details>" for section in sections],
    )


# --- warning and overview -----------------------------------------------------------------------


def _warning(plan: Plan) -> str:
    """Return the hazards and the flags that acknowledge them; empty without hazards."""
    groups = wording.hazards_by_code(plan)
    if not groups:
        return ""
    lines = [line for code, hazards in groups for line in _hazard_lines(code, hazards)]
    flags = " ".join(flags_of(hazard for _, hazards in groups for hazard in hazards))
    title = f"**{wording.HAZARDS_TITLE}** To apply it, add `{flags}`:"
    return _alert("WARNING", title, "", *lines)


def _hazard_lines(code: HazardCode, hazards: list[Hazard]) -> Iterator[str]:
    """Yield the hazards with one code."""
    yield f"- **{wording.HAZARD_TITLES[code]}** (`{code}`): pass `{hazards[0].remedy}`"
    yield from (f"  - {prose(hazard.message)}" for hazard in hazards[:_HAZARDS_SHOWN])
    if more := hazards[_HAZARDS_SHOWN:]:
        yield f"  - … and **{len(more):,} more**, not shown here."


def _alert(kind: str, *lines: str) -> str:
    """Return lines as an alert of GitHub and GitLab; other readers show a quotation."""
    return "\n".join(f"> {line}".rstrip() for line in (f"[!{kind}]", *lines))


def _overview(plan: Plan) -> Iterator[str]:
    """Yield the summary, the origin of the plan, the tickets to repair, and the replay."""
    yield f"**{wording.summary(plan)}**"
    yield f"Created at {plan.created_at:%Y-%m-%d %H:%M:%S} UTC from {_origins(plan)}"
    if hazards(plan):
        yield f"Approval: `{plan_approval(plan)}`"
    if plan.tickets is not None and (sentences := [*wording.ticket_sentences(plan.tickets)]):
        listed = [f"- {prose(each)}" for each in sentences]
        yield "\n".join([f"**{wording.TICKETS_TITLE}**", "", *listed])
    if plan.replay is not None:
        sentence = wording.replay_sentence(plan.replay)
        yield f"**{sentence}**" if plan.replay.refused else sentence


def _origins(plan: Plan) -> str:
    """Return the source and the files of a plan; only the files if they are the source."""
    more = plan.files[_FILES_SHOWN:]
    files = ", ".join(map(_origin, plan.files[:_FILES_SHOWN]))
    files += f" and {len(more):,} more" if more else ""
    if plan.files and plan.source == ", ".join(plan.files):
        return files
    return f"{_origin(plan.source)}: {files}" if files else _origin(plan.source)


def _origin(name: str) -> str:
    """Return the name of a source, a file or a user, truncated if it is long."""
    return code(name if len(name) <= _ORIGIN_CHARACTERS else f"{name[:_ORIGIN_CHARACTERS]}…")


# --- changes ------------------------------------------------------------------------------------

_CHANGE_HEAD: Final = ("", "Kind", "Name", "Change", "Tickets", "Declared at")


def _table(head: Sequence[str], rows: Sequence[str]) -> str:
    """Return a table; empty if there are no rows."""
    return "\n".join([_row(*head), _row(*["---"] * len(head)), *rows]) if rows else ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _change_row(change: PlannedChange) -> str:
    return _row(
        f"`{wording.SYMBOLS[change.action]}`",
        change.kind,
        code(change.name),
        ": ".join(filter(None, (change.action, wording.change_in_brief(change)))),
        wording.impact_in_brief(change.impact),
        "" if change.at is None else code(str(change.at)),
    )


def _sections(plan: Plan) -> Iterator[str]:
    """Yield a section for each change with details, and one for the refused transitions."""
    for change in plan.changes:
        if parts := list(_change_details(change)):
            symbol, name = wording.SYMBOLS[change.action], html_code(change.name)
            yield _section(f"<code>{symbol}</code> {change.kind} {name}", *parts)
    if plan.replay is not None and plan.replay.refused:
        yield _section("Transitions that would have been refused", *_refused_details(plan.replay))


def _section(title: str, *parts: str) -> str:
    """Return the content of a collapsed section; the title is HTML."""
    return "\n\n".join([f"<summary>{title}</summary>", *parts])


def _change_details(change: PlannedChange) -> Iterator[str]:
    """Yield the transitions, the fields and the impact of a change."""
    if values := list(repaired_values(change)):
        yield _table(("Stored value", "Before", "After"), list(map(_field_row, values)))
    if change.transitions:
        head = ("Transition", "Before", "After", "Effect")
        yield _table(head, list(map(_transition_row, change.transitions)))
    if fields := changed_fields(change):
        yield _table(("Field", "Before", "After"), list(map(_field_row, fields)))
    sentences = [f"**{each}**" for each in map(prose, wording.harm_sentences(change.impact))]
    sentences += map(prose, wording.other_sentences(change.impact))
    if sentences:
        yield "\n".join(f"- {sentence}" for sentence in sentences)


def _transition_row(transition: TransitionChange) -> str:
    return _row(
        _arrow(transition),
        transition.before or wording.NO_ROLE,
        transition.after or wording.NO_ROLE,
        transition.effect,
    )


def _arrow(transition: TransitionChange | RecordedTransitions) -> str:
    return f"`{transition.source}` → `{transition.target}`"


def _field_row(field: FieldChange) -> str:
    return _row(code(field.path), _value(field.before), _value(field.after))


def _value(value: str | None) -> str:
    if value is None or value == UNSET:
        return value or ""
    return code(value)


def _refused_details(replay: Replay) -> Iterator[str]:
    """Yield the most frequent kinds of refused transitions."""
    head = ("Workflow", "Transition", "Actor roles", "Times", "Users")
    yield _table(head, list(map(_refused_row, replay.refused[:_REFUSED_SHOWN])))
    if more := replay.refused[_REFUSED_SHOWN:]:
        yield f"… and **{len(more):,} more kinds** of transition, less frequent, not shown here."


def _refused_row(transitions: RecordedTransitions) -> str:
    return _row(
        code(transitions.workflow),
        _arrow(transitions),
        " and ".join(transitions.held.names) or wording.NO_ROLE,
        f"{transitions.times:,}",
        ", ".join([f"{transitions.actors:,}", *map(_origin, transitions.examples)]),
    )
