"""Rules over a valid declaration: one function a rule, one ordered tuple of rules."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from engine.findings import Finding, Location, Severity
from engine.vocabulary import STATUSES, ActorRoles, Status
from engine.workflows.declaration import Workflow
from engine.workflows.documents import Declaration
from engine.workflows.explanation import shortest_path
from engine.workflows.policy import allowed_from, policy_of, targets_of

ALONE: Final = ActorRoles.ASSIGNEE | ActorRoles.REQUESTER


@dataclass(frozen=True, slots=True)
class Subject:
    """A declared workflow under the eyes of the rules."""

    workflow: Workflow
    policy: int
    at: Location
    places: tuple[Location, ...]

    def leads(self, source: Status, target: Status) -> bool:
        """Tell whether any path leads from `source` to `target`."""
        return source is target or bool(shortest_path(self.policy, source, target))

    def place_from(self, source: Status) -> Location:
        """Return where the first transition out of `source` stands, else the workflow."""
        moves = zip(self.workflow.transitions, self.places, strict=True)
        return next((place for move, place in moves if move.source is source), self.at)

    def finding(
        self, code: str, message: str, severity: Severity, at: Location | None = None
    ) -> Finding:
        """Return a finding about this workflow."""
        return Finding(code, f"{self.workflow.name}: {message}", at or self.at, severity)


def statuses_are_reachable(subject: Subject) -> Iterator[Finding]:
    """A status that no path from OPEN reaches is never used."""
    for status in STATUSES:
        if status is not Status.CLOSED and not subject.leads(Status.OPEN, status):
            message = f"{status} can't be reached from OPEN."
            yield subject.finding("unreachable_status", message, Severity.WARNING)


def statuses_can_be_left(subject: Subject) -> Iterator[Finding]:
    """A ticket in a reachable status other than CLOSED must have a way on."""
    for status in STATUSES[:-1]:
        if subject.leads(Status.OPEN, status) and not targets_of(subject.policy, status):
            message = f"nobody can leave {status}; a ticket stays there for ever."
            yield subject.finding("dead_end", message, Severity.ERROR)


def closed_is_reachable(subject: Subject) -> Iterator[Finding]:
    """A ticket must be able to end."""
    if not subject.leads(Status.OPEN, Status.CLOSED):
        message = "no path leads from OPEN to CLOSED; no ticket can ever be closed."
        yield subject.finding("closed_unreachable", message, Severity.ERROR)


def closed_is_final(subject: Subject) -> Iterator[Finding]:
    """CLOSED is immutable; a way out of it will be refused."""
    if targets_of(subject.policy, Status.CLOSED):
        message = "CLOSED has ways out, but a CLOSED ticket takes comments and nothing else."
        at = subject.place_from(Status.CLOSED)
        yield subject.finding("closed_has_exit", message, Severity.WARNING, at)


def system_tickets_can_move(subject: Subject) -> Iterator[Finding]:
    """A ticket that `system` opened has no requester, so requester-only moves are dead for it."""
    for status in reached_by(subject, ActorRoles.ASSIGNEE | ActorRoles.ADMIN):
        if only_for(subject, status, ActorRoles.REQUESTER):
            message = (
                f"a ticket opened by system has no requester, and only the requester can move it"
                f" on from {status}; declare role: any, or a second way out."
            )
            at = subject.place_from(status)
            yield subject.finding("system_ticket_stuck", message, Severity.WARNING, at)


def unassigned_tickets_can_move(subject: Subject) -> Iterator[Finding]:
    """A ticket without an assignee waits until someone is assigned."""
    if only_for(subject, Status.OPEN, ActorRoles.ASSIGNEE):
        message = (
            "nobody can move an OPEN ticket on before it has an assignee; make sure that its"
            " group or an admin assigns it."
        )
        at = subject.place_from(Status.OPEN)
        yield subject.finding("unassigned_ticket_stuck", message, Severity.INFORMATION, at)


def one_person_walks_alone(subject: Subject) -> Iterator[Finding]:
    """Separation of duties: requester and assignee may be one person."""
    if Status.CLOSED in reached_by(subject, ALONE):
        message = "one person who is requester and assignee walks alone from OPEN to CLOSED."
        yield subject.finding("no_separation_of_duties", message, Severity.INFORMATION)


RULES: Final[tuple[Callable[[Subject], Iterator[Finding]], ...]] = (
    closed_is_reachable,
    statuses_can_be_left,
    statuses_are_reachable,
    closed_is_final,
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
    """Return a workflow with its policy and places."""
    moves = range(len(workflow.transitions))
    return Subject(
        workflow=workflow,
        policy=policy_of((move.source, move.target, move.role) for move in workflow.transitions),
        at=declaration.place("workflows", index, "name"),
        places=tuple(declaration.place("workflows", index, "transitions", at) for at in moves),
    )


def only_for(subject: Subject, status: Status, role: ActorRoles) -> bool:
    """Tell whether `status` has ways out, and none for anybody without `role`."""
    others = ~role & (ActorRoles.ASSIGNEE | ActorRoles.REQUESTER | ActorRoles.ADMIN)
    return bool(targets_of(subject.policy, status)) and not allowed_from(
        subject.policy, status, others
    )


def reached_by(subject: Subject, actor: ActorRoles) -> tuple[Status, ...]:
    """Return the statuses that an actor with exactly these roles can bring a new ticket to."""
    reached = [Status.OPEN]
    for status in reached:
        reached += [s for s in allowed_from(subject.policy, status, actor) if s not in reached]
    return tuple(reached)
