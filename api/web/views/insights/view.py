"""The view model of the insights. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from markupsafe import Markup

from api.web.charts import bar
from api.web.formats import duration, words
from engine.errors import InvalidInput
from engine.limits import INSIGHT_ROWS, REFUSAL_DAYS
from engine.tickets.insights import (
    RefusedTransition,
    SlaCompliance,
    StatusTime,
    TransitionInsights,
    UnusedTransition,
    unused_transitions,
)
from engine.vocabulary import Role
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.explanation import Reason

PERIODS: Final = (7, 30, REFUSAL_DAYS)
"""The periods to choose from, in days."""
DEFAULT_DAYS: Final = 30
_REASONS: Final[dict[str, str]] = {
    Reason.NO_SUCH_TRANSITION: "The workflow has no such transition",
    Reason.ROLE_REQUIRED: "The user has another role",
    Reason.WORKFLOW_RETIRED: "The workflow is retired",
    Reason.TICKET_CLOSED: "The ticket is closed",
}
_ROLES: Final = {
    Role.ASSIGNEE: "The assignee",
    Role.REQUESTER: "The requester",
    Role.ANY: "Anyone involved",
}
_NO_GROUP: Final = "No group"


@dataclass(frozen=True, slots=True)
class InsightRow:
    """A row of a table.

    Attributes:
        cells: the values as text.
        bar: the values as SVG; None in a table without bars.

    """

    cells: tuple[str, ...]
    bar: Markup | None = None


@dataclass(frozen=True, slots=True)
class InsightTable:
    """A table.

    Attributes:
        name: in the URL of the table as CSV.
        about: what the numbers count.
        empty: what the page says without rows.
        bar_title: what the bars show; empty without bars.
        columns: the headings of the cells.

    """

    name: str
    title: str
    about: str
    empty: str
    bar_title: str
    columns: tuple[str, ...]
    rows: tuple[InsightRow, ...]

    @property
    def shown(self) -> tuple[InsightRow, ...]:
        """The rows on the page; the table as CSV has all of them."""
        return self.rows[:INSIGHT_ROWS]

    @property
    def left_out(self) -> int:
        """The number of rows that are not on the page."""
        return len(self.rows) - len(self.shown)


@dataclass(frozen=True, slots=True)
class InsightFacts:
    """The numbers of a period, and the current workflows."""

    transitions: TransitionInsights
    compliance: Sequence[SlaCompliance]
    refused: Sequence[RefusedTransition]
    workflows: Sequence[CompiledWorkflow]


@dataclass(frozen=True, slots=True)
class InsightsPage:
    """The page.

    Attributes:
        days: the period.
        read_since: the time of the oldest change that was read; None without changes.

    """

    days: int
    tables: tuple[InsightTable, ...]
    read_since: datetime | None
    periods: tuple[int, ...] = PERIODS


def period_in(days: str | None) -> int:
    """Return the period that a URL names, in days.

    Raises:
        InvalidInput: there is no such period.

    """
    known = {str(each): each for each in PERIODS}
    if days is None:
        return DEFAULT_DAYS
    if days not in known:
        raise InvalidInput(f"The period must be one of {', '.join(known)} days.")
    return known[days]


def insight_tables(days: int, facts: InsightFacts) -> tuple[InsightTable, ...]:
    """Return all tables of a period."""
    unused = unused_transitions(facts.workflows, facts.transitions.used)
    return (
        _time_in_status(facts.transitions.stays),
        *(_compliance(facts.compliance, each) for each in ("priority", "group")),
        _refused(facts.refused),
        _unused(days, unused),
    )


def _time_in_status(stays: Sequence[StatusTime]) -> InsightTable:
    ordered = sorted(stays, key=lambda each: (-each.times, each.workflow, each.status))
    longest = max((each.ninth_decile.total_seconds() for each in stays), default=0)
    rows = (
        InsightRow(
            (
                each.workflow,
                words(each.status),
                f"{each.times:,}",
                duration(each.median),
                duration(each.ninth_decile),
            ),
            bar(_seconds(each.median, each.ninth_decile - each.median), longest),
        )
        for each in ordered
    )
    return InsightTable(
        "time-in-status",
        "Time in status",
        "How long tickets stayed in a status before they left it.",
        "No ticket left a status.",
        "Thick: the median. Thin: up to 90 %.",
        ("Workflow", "Status", "Times", "Median", "90 % within"),
        tuple(rows),
    )


def _seconds(*times: timedelta) -> tuple[float, ...]:
    return tuple(each.total_seconds() for each in times)


def _compliance(found: Sequence[SlaCompliance], dimension: str) -> InsightTable:
    chosen = [each for each in found if each.dimension == dimension]
    longest = max((each.met + each.missed for each in chosen), default=0)
    rows = (
        InsightRow(
            (
                _name_of(each),
                f"{each.met:,}",
                f"{each.missed:,}",
                f"{each.running:,}",
                "" if each.met_share is None else f"{each.met_share:.0%}",
            ),
            bar((each.met, each.missed), longest),
        )
        for each in chosen
    )
    return InsightTable(
        f"sla-by-{dimension}",
        f"SLA compliance by {dimension}",
        "Tickets with SLA targets that were opened in the period: resolved without a breach, with"
        " a breach, or neither of them yet.",
        "No ticket with SLA targets was opened.",
        "Thick: met. Thin: missed.",
        (words(dimension), "Met", "Missed", "Running", "Met, of those decided"),
        tuple(rows),
    )


def _name_of(compliance: SlaCompliance) -> str:
    if compliance.dimension == "priority" and compliance.name:
        return words(compliance.name)
    return compliance.name or _NO_GROUP


def _refused(refused: Sequence[RefusedTransition]) -> InsightTable:
    longest = max((each.times for each in refused), default=0)
    rows = (
        InsightRow(
            (
                each.refusal.workflow,
                words(each.refusal.source),
                words(each.refusal.target),
                _REASONS.get(each.refusal.reason, each.refusal.reason),
                f"{each.times:,}",
            ),
            bar((each.times,), longest),
        )
        for each in refused
    )
    return InsightTable(
        "refused-transitions",
        "Refused transitions",
        "The transitions that were refused, and why; by days in UTC.",
        "No transition was refused.",
        "How often.",
        ("Workflow", "From", "To", "Reason", "Times"),
        tuple(rows),
    )


def _unused(days: int, unused: Sequence[UnusedTransition]) -> InsightTable:
    rows = (
        InsightRow((each.workflow, words(each.source), words(each.target), _ROLES[each.role]))
        for each in unused
    )
    return InsightTable(
        "unused-transitions",
        f"Transitions that no user made in {days} days",
        "Declared transitions of active workflows. Users can have made them before this period.",
        f"Users made every declared transition in the last {days} days.",
        "",
        ("Workflow", "From", "To", "Who can make it"),
        tuple(rows),
    )
