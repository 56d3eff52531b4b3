"""The view model of a dry run. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from api.web.views.workflows.view import transition_in_words
from engine.declaration.source_map import Source
from engine.findings import Finding
from engine.resources.resource import Resource
from engine.vocabulary import Status
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.svg import draw
from reconciler.diff import Action
from reconciler.dry_run import FILE_NAME
from reconciler.hazards import plan_approval
from reconciler.impact import LIVE_STATUSES, AffectedTickets, enforced_policy
from reconciler.permissions_diff import TransitionChange
from reconciler.plan import Plan, PlannedChange
from reconciler.report import wording
from reconciler.report.escaping import visible
from reconciler.report.fields import FieldChange, changed_fields, repaired_values

_LINE_CHARACTERS: Final = 160
"""What the page shows of a line; of a longer one, the part around the finding."""
_CHANGES_SHOWN: Final = 200
"""What the page shows of a plan; a larger one is for `interlock plan`."""
_DRAWN_WORKFLOWS: Final = 20
_EXAMPLES_SHOWN: Final = 6
_VERBS: Final = {
    Action.CREATE: "Create",
    Action.UPDATE: "Update",
    Action.RETIRE: "Retire",
    Action.REVIVE: "Revive",
    Action.REPAIR: "Repair",
}

TicketCounts = Mapping[tuple[str, Status], int]
"""The number of live tickets by workflow and status."""


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding with the line of text that it is about.

    Attributes:
        before, marked, after: the line, with the character at the column in the middle.

    """

    finding: Finding
    before: str
    marked: str
    after: str


@dataclass(frozen=True, slots=True)
class HazardView:
    """The hazards of one sort.

    Attributes:
        title: what they do.
        messages: a sentence for each of them.
        remedy: the option that acknowledges them.

    """

    title: str
    messages: tuple[str, ...]
    remedy: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A transition or a field that changes, in words.

    Attributes:
        kind: `added`, `removed` or `changed`.

    """

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class StrandedTickets:
    """The live tickets in one status that no user can move after a change.

    Attributes:
        word: `stranded` or `stuck`.

    """

    word: str
    workflow: str
    status: Status
    count: int


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A planned change.

    Attributes:
        heading: what the change does to which resource.
        location: where the resource is declared; empty for defaults and for retired resources.
        sentences: what changes.
        harm: the sentences on harm to tickets and services.
        effects: the sentences on other effects.
        stranded: the tickets that no user can move, by status.
        examples: the ids of a few of these tickets.
        before, after: the workflow as SVG; empty if there is nothing to draw.

    """

    heading: str
    location: str
    sentences: tuple[Sentence, ...]
    harm: tuple[str, ...]
    effects: tuple[str, ...]
    stranded: tuple[StrandedTickets, ...] = ()
    examples: tuple[str, ...] = ()
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan.

    Attributes:
        summary: the number of changes by action.
        changes: by the heading of their kind.
        left_out: the number of changes that are not shown.
        options: those that acknowledge all hazards.
        approval: what `ticketing.approvedPlan` must be to let the plan through.

    """

    summary: str
    hazards: tuple[HazardView, ...]
    changes: Mapping[str, tuple[ChangeView, ...]]
    left_out: int
    options: str
    approval: str


@dataclass(frozen=True, slots=True)
class PlanPage:
    """The form, and the result of the dry run of its fields.

    Attributes:
        values, key: the fields that the reader sent.
        problem: why there is no plan, if that has no position.
        findings: why there is no plan.
        plan: None before a dry run, and for invalid values.

    """

    values: str = ""
    key: str = ""
    problem: str = ""
    findings: tuple[FindingView, ...] = ()
    plan: PlanView | None = None


def finding_views(findings: Sequence[Finding], values: str) -> tuple[FindingView, ...]:
    """Return findings with the lines of a text that they are about."""
    source = Source(values, FILE_NAME)
    return tuple(_finding_view(each, source) for each in findings)


def _finding_view(finding: Finding, source: Source) -> FindingView:
    line, index = source.line(finding.at.line), finding.at.column - 1
    start = max(0, index - _LINE_CHARACTERS // 2) if len(line) > _LINE_CHARACTERS else 0
    end = start + _LINE_CHARACTERS
    return FindingView(
        finding,
        f"{'…' if start else ''}{line[start:index]}",
        line[index : index + 1],
        f"{line[index + 1 : end]}{'…' if end < len(line) else ''}",
    )


def plan_view(plan: Plan, tickets: TicketCounts) -> PlanView:
    """Return a plan as the page shows it.

    Args:
        plan: the plan.
        tickets: the live tickets, for the drawings.

    """
    hazards = tuple(
        HazardView(
            wording.HAZARD_TITLES[code], tuple(each.message for each in found), found[0].remedy
        )
        for code, found in wording.hazards_by_code(plan)
    )
    shown = replace(plan, changes=plan.changes[:_CHANGES_SHOWN])
    changing = [each.key for each in shown.changes if each.transitions or each.retires_workflow]
    drawn = frozenset(changing[:_DRAWN_WORKFLOWS])
    changes = {
        wording.HEADINGS[kind]: tuple(
            _change_view(each, tickets if each.key in drawn else None) for each in found
        )
        for kind, found in wording.changes_by_kind(shown)
    }
    left_out = len(plan.changes) - len(shown.changes)
    options = " ".join(dict.fromkeys(each.remedy for each in hazards))
    return PlanView(wording.summary(plan), hazards, changes, left_out, options, plan_approval(plan))


def _change_view(change: PlannedChange, tickets: TicketCounts | None) -> ChangeView:
    """Return a change; without `tickets`, its workflow is not drawn."""
    impact = change.impact
    return ChangeView(
        f"{_VERBS[change.action]} {change.name}",
        f"line {change.at.line}, column {change.at.column}" if change.at else "",
        (
            *map(_transition_sentence, change.transitions),
            *map(_field_sentence, changed_fields(change)),
            *(
                _field_sentence(replace(each, path=f"stored {each.path}"))
                for each in repaired_values(change)
            ),
        ),
        tuple(wording.harm_sentences(impact)),
        tuple(wording.other_sentences(impact)),
        (
            *_stranded(change.name, "stranded", impact.stranded),
            *_stranded(change.name, "stuck", impact.stuck),
        ),
        (*impact.stranded.examples, *impact.stuck.examples)[:_EXAMPLES_SHOWN],
        *(("", "") if tickets is None else _drawings(change, tickets)),
    )


def _transition_sentence(change: TransitionChange) -> Sentence:
    """Return a transition that changes, in words."""
    before, after = (
        transition_in_words(change.source, change.target, role) if role else ""
        for role in (change.before, change.after)
    )
    if before and after:
        return Sentence("changed", f"{after} Before: {before}")
    return Sentence("added", after) if after else Sentence("removed", before)


def _field_sentence(field: FieldChange) -> Sentence:
    """Return a field that changes, with its values."""
    if field.before is None:
        return Sentence("added", f"{field.path}: {visible(field.after)}")
    before, after = visible(field.before), visible(field.after)
    return Sentence("changed", f"{field.path}: {after}. Before: {before}")


def _stranded(workflow: str, word: str, affected: AffectedTickets) -> Iterator[StrandedTickets]:
    for status, count in affected.by_status.items():
        yield StrandedTickets(word, workflow, status, count)


def _drawings(change: PlannedChange, tickets: TicketCounts) -> tuple[str, str]:
    """Return a workflow as the database has it, and after a change; empty for a new one."""
    counts: dict[Status, int] = {
        status: tickets.get((change.name, status), 0) for status in LIVE_STATUSES
    }
    after = draw(_workflow_of(change.after), tickets=counts, part="after")
    if change.before is None:
        return "", after
    enforced = replace(_workflow_of(change.before), policy=enforced_policy(change))
    return draw(enforced, tickets=counts, part="before"), after


def _workflow_of(resource: Resource) -> CompiledWorkflow:
    return replace(resource.compiled, retired=resource.retired)
