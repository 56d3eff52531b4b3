"""Rules over a valid declaration: one function a rule, one ordered tuple of rules."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from engine.declaration.fields import NEVER
from engine.declaration.models import Workflow
from engine.declaration.parse import Declaration
from engine.findings import Finding, Severity
from engine.vocabulary import STATUSES, ActorRoles, Status
from engine.workflows.explanation import shortest_path
from engine.workflows.policy import allowed_targets, declared_targets, policy_of

ALONE: Final = ActorRoles.ASSIGNEE | ActorRoles.REQUESTER
EVERYBODY: Final = ALONE | ActorRoles.ADMIN


@dataclass(frozen=True, slots=True)
class Subject:
    """A declared workflow under the eyes of the rules.

    Attributes:
        index: the position of the workflow in the declaration.
        policy: what tickets can really do; without the ways out of CLOSED, which are refused.

    """

    declaration: Declaration
    index: int
    workflow: Workflow
    policy: int

    def leads(self, source: Status, target: Status) -> bool:
        """Tell whether any path leads from `source` to `target`."""
        return source is target or bool(shortest_path(self.policy, source, target))

    def used(self) -> tuple[Status, ...]:
        """Return the statuses that a ticket can come to."""
        return tuple(status for status in STATUSES if self.leads(Status.OPEN, status))

    def finding(
        self, code: str, message: str, severity: Severity, source: Status | None = None
    ) -> Finding:
        """Return a finding about this workflow, or about its ways out of `source`."""
        at = self.declaration.location("workflows", self.index, *self.steps_to(source))
        return Finding(code, f"{self.workflow.name}: {message}", at, severity)

    def steps_to(self, source: Status | None) -> tuple[str | int, ...]:
        """Return where the first transition out of `source` stands, else the workflow's name."""
        moves = enumerate(self.workflow.transitions)
        found = (("transitions", at) for at, move in moves if move.source is source)
        return next(found, ("name",))


def closed_is_reachable(subject: Subject) -> Iterator[Finding]:
    """A ticket must be able to end, wherever it has come to (dead ends are told on their own)."""
    lost = [status for status in subject.used() if not subject.leads(status, Status.CLOSED)]
    lost = [status for status in lost if declared_targets(subject.policy, status)]
    if lost:
        message = f"no path leads to CLOSED from {' or '.join(lost)}; no such ticket can ever end."
        yield subject.finding("closed_unreachable", message, Severity.ERROR, lost[0])


def statuses_can_be_left(subject: Subject) -> Iterator[Finding]:
    """A ticket in a status that is used, other than CLOSED, must have a way on."""
    for status in subject.used():
        if status is not Status.CLOSED and not declared_targets(subject.policy, status):
            message = f"nobody can leave {status}; a ticket stays there for ever."
            yield subject.finding("dead_end", message, Severity.ERROR)


def statuses_are_reachable(subject: Subject) -> Iterator[Finding]:
    """A status that no path from OPEN reaches is never used."""
    for status in STATUSES:
        if status is not Status.CLOSED and status not in subject.used():
            message = f"{status} can't be reached from OPEN."
            yield subject.finding("unreachable_status", message, Severity.WARNING, status)


def closed_is_final(subject: Subject) -> Iterator[Finding]:
    """CLOSED is immutable; a way out of it will be refused."""
    if any(move.source is Status.CLOSED for move in subject.workflow.transitions):
        message = "CLOSED has ways out, but a CLOSED ticket takes comments and nothing else."
        yield subject.finding("closed_has_exit", message, Severity.WARNING, Status.CLOSED)


def system_tickets_can_move(subject: Subject) -> Iterator[Finding]:
    """A ticket that `system` opened has no requester, so requester-only moves are dead for it."""
    for status in stuck_without(subject, ActorRoles.REQUESTER):
        message = (
            f"a ticket opened by system has no requester, and only the requester can move it"
            f" on from {status}; declare role: any, or a second way out."
        )
        yield subject.finding("system_ticket_stuck", message, Severity.WARNING, status)


def unassigned_tickets_can_move(subject: Subject) -> Iterator[Finding]:
    """A ticket without an assignee waits until someone is assigned."""
    for status in stuck_without(subject, ActorRoles.ASSIGNEE):
        message = (
            f"nobody can move a ticket on from {status} while it has no assignee; make sure that"
            " its group or an admin assigns it."
        )
        yield subject.finding("unassigned_ticket_stuck", message, Severity.INFORMATION, status)


def one_person_walks_alone(subject: Subject) -> Iterator[Finding]:
    """Separation of duties: requester and assignee may be one person."""
    if Status.CLOSED in reached_by(subject, ALONE):
        message = "one person who is requester and assignee walks alone from OPEN to CLOSED."
        yield subject.finding("no_separation_of_duties", message, Severity.INFORMATION)


def auto_close_has_an_effect(subject: Subject) -> Iterator[Finding]:
    """The system closes only what somebody may close."""
    auto_close = subject.workflow.auto_close
    waits = auto_close is not None and auto_close.after_resolved != NEVER
    if waits and Status.CLOSED not in declared_targets(subject.policy, Status.RESOLVED):
        message = "autoClose has no effect, as there is no transition RESOLVED -> CLOSED."
        at = subject.declaration.location("workflows", subject.index, "autoClose")
        yield Finding("no_auto_close", f"{subject.workflow.name}: {message}", at, Severity.WARNING)


RULES: Final[tuple[Callable[[Subject], Iterator[Finding]], ...]] = (
    closed_is_reachable,
    statuses_can_be_left,
    statuses_are_reachable,
    closed_is_final,
    auto_close_has_an_effect,
    system_tickets_can_move,
    unassigned_tickets_can_move,
    one_person_walks_alone,
)
"""Gravest first."""


def analyse(declaration: Declaration) -> tuple[Finding, ...]:
    """Return what every rule says of every declared workflow; within each, gravest first."""
    return tuple(
        finding
        for index, workflow in enumerate(declaration.ticketing.workflows)
        for rule in RULES
        for finding in rule(subject_of(declaration, index, workflow))
    )


def subject_of(declaration: Declaration, index: int, workflow: Workflow) -> Subject:
    """Return a workflow with what its tickets can really do."""
    moves = (move for move in workflow.transitions if move.source is not Status.CLOSED)
    policy = policy_of((move.source, move.target, move.role) for move in moves)
    return Subject(declaration, index, workflow, policy)


def stuck_without(subject: Subject, role: ActorRoles) -> tuple[Status, ...]:
    """Return where a ticket that nobody is `role` of can come to, and only `role` can go on."""
    others = EVERYBODY & ~role
    return tuple(
        status
        for status in reached_by(subject, others)
        if declared_targets(subject.policy, status)
        and not allowed_targets(subject.policy, status, others)
    )


def reached_by(subject: Subject, actor: ActorRoles) -> tuple[Status, ...]:
    """Return the statuses that an actor with exactly these roles can bring a new ticket to."""
    reached = [Status.OPEN]
    for status in reached:
        reached += [s for s in allowed_targets(subject.policy, status, actor) if s not in reached]
    return tuple(reached)
