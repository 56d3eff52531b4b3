"""The view models of bulk transitions. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import urlencode

from api.web.formats import with_words, words
from api.web.views.tickets.view import shorten_id
from engine.tickets.actor import Actor
from engine.tickets.ticket import Ticket
from engine.vocabulary import STATUSES, ActorRoles, Status
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.explanation import Reason, explain

PATH: Final = "/tickets/bulk"
OUTCOME_PATH: Final = f"{PATH}/outcome"


class Verdict(Enum):
    """What happens to a ticket: how one and how several such tickets are summed up."""

    MOVES = "will move", "will move"
    NEEDS_ASSIGNEE = "needs the assignee", "need the assignee"
    NEEDS_REQUESTER = "needs the requester", "need the requester"
    NEEDS_OTHER = "needs the assignee or the requester", "need the assignee or the requester"
    ALREADY_THERE = "is already {to}", "are already {to}"
    NO_TRANSITION = "has no transition to {to}", "have no transition to {to}"
    CLOSED = "is closed", "are closed"
    RETIRED = "has a retired workflow", "have a retired workflow"
    MISSING = "can't be found", "can't be found"


_REASONS: Final = {
    Reason.ALLOWED: Verdict.MOVES,
    Reason.NO_SUCH_TRANSITION: Verdict.NO_TRANSITION,
    Reason.TICKET_CLOSED: Verdict.CLOSED,
    Reason.WORKFLOW_RETIRED: Verdict.RETIRED,
}
_ROLES: Final = {
    ActorRoles.ASSIGNEE: Verdict.NEEDS_ASSIGNEE,
    ActorRoles.REQUESTER: Verdict.NEEDS_REQUESTER,
}


@dataclass(frozen=True, slots=True)
class BulkRow:
    """A selected ticket.

    Attributes:
        title, status: None for a ticket that the reader cannot read.
        verdict: what the transition does to the ticket now.
        why: why it does not move the ticket; empty if it does.
        done: whether the transition was made.

    """

    id: str
    title: str | None
    status: Status | None
    verdict: Verdict
    why: str
    done: bool = False

    @property
    def short_id(self) -> str:
        """The beginning of the id."""
        return shorten_id(self.id)

    @property
    def moves(self) -> bool:
        """Whether the transition moves the ticket."""
        return self.verdict is Verdict.MOVES

    @property
    def outcome(self) -> str:
        """What happened to the ticket."""
        if not self.done:
            return self.why or "Not moved. Nothing prevents it now: you can try again."
        return "Moved."


@dataclass(frozen=True, slots=True)
class BulkPage:
    """The preview of a transition of several tickets, or its outcome.

    Attributes:
        to: the target; None if the reader has to choose one.
        rows: the selected tickets, in the order of the selection.
        is_outcome: whether the transition was tried.
        problem: why there is nothing to show; empty otherwise.
        more: whether more tickets match than one request can move.

    """

    to: Status | None
    rows: tuple[BulkRow, ...] = ()
    is_outcome: bool = False
    problem: str = ""
    more: bool = False

    @property
    def statuses(self) -> tuple[Status, ...]:
        """All targets."""
        return STATUSES

    @property
    def moving(self) -> int:
        """How many tickets the transition moves."""
        return sum(row.moves for row in self.rows)

    @property
    def done(self) -> tuple[BulkRow, ...]:
        """The tickets that were moved."""
        return tuple(row for row in self.rows if row.done)

    @property
    def refused(self) -> tuple[BulkRow, ...]:
        """The tickets that were not moved."""
        return tuple(row for row in self.rows if not row.done)

    @property
    def summary(self) -> str:
        """What happens, in numbers: `12 will move, 3 need the assignee, 1 is closed`."""
        if self.is_outcome:
            refused = f", {len(self.refused)} not moved" if self.refused else ""
            return f"{len(self.done)} moved{refused}"
        verdicts = [row.verdict for row in self.rows]
        counts = ((each, verdicts.count(each)) for each in Verdict)
        return ", ".join(f"{count} {self._phrase(each, count)}" for each, count in counts if count)

    def _phrase(self, verdict: Verdict, count: int) -> str:
        one, several = verdict.value
        return (one if count == 1 else several).format(to=words(self.to or ""))


def build_rows(
    tickets: Mapping[str, Ticket | None],
    workflows: Mapping[str, CompiledWorkflow],
    actor: Actor,
    to: Status,
    done: frozenset[str] = frozenset(),
) -> tuple[BulkRow, ...]:
    """Return the rows of a selection.

    Args:
        tickets: the selected tickets, by id; None for one that the reader cannot read.
        workflows: the workflows of the tickets, by name.
        actor: the reader.
        to: the target.
        done: the ids of the tickets that were moved.

    """
    return tuple(
        _row(ticket, workflows[ticket.workflow], actor, to, done=ticket_id in done)
        if ticket
        else BulkRow(ticket_id, None, None, Verdict.MISSING, "There is no such ticket.")
        for ticket_id, ticket in tickets.items()
    )


def _row(
    ticket: Ticket, workflow: CompiledWorkflow, actor: Actor, to: Status, *, done: bool
) -> BulkRow:
    roles = actor.roles_on(ticket.requester, ticket.assignee)
    explanation = explain(workflow, ticket.status, to, roles)
    if explanation.reason is Reason.ROLE_REQUIRED:
        verdict = _ROLES.get(explanation.allowed_roles, Verdict.NEEDS_OTHER)
    elif ticket.status is to and not done and to is not Status.CLOSED and not workflow.retired:
        verdict = Verdict.ALREADY_THERE
    else:
        verdict = _REASONS[explanation.reason]
    why = "" if explanation.allowed else with_words(explanation.message)
    if verdict is Verdict.ALREADY_THERE:
        why = f"It is {words(to)} already."
    return BulkRow(ticket.id, ticket.title, ticket.status, verdict, why, done)


def outcome_path(done: Sequence[str], refused: Sequence[str], to: Status) -> str:
    """Return the path of the outcome."""
    parameters = [("done", each) for each in done] + [("refused", each) for each in refused]
    return f"{OUTCOME_PATH}?{urlencode([('to', to), *parameters])}"
