"""Checks of valid workflows: each rule is a function that yields findings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from engine.declaration.fields import NEVER
from engine.declaration.models import Workflow
from engine.declaration.parse import Declaration
from engine.findings import Finding, Severity
from engine.vocabulary import STATUSES, ActorRoles, Status
from engine.workflows.policy import allowed_targets, declared_targets, policy_of

_ASSIGNEE_AND_REQUESTER: Final = ActorRoles.ASSIGNEE | ActorRoles.REQUESTER
_ALL_ROLES: Final = _ASSIGNEE_AND_REQUESTER | ActorRoles.ADMIN


@dataclass(frozen=True, slots=True)
class _CheckedWorkflow:
    """A declared workflow and the results that several rules use.

    Attributes:
        index: the position of the workflow in the declaration.
        policy: the transitions that tickets can make: the declared ones except those from CLOSED.

    """

    declaration: Declaration
    index: int
    workflow: Workflow
    policy: int

    @classmethod
    def of(cls, declaration: Declaration, index: int, workflow: Workflow) -> "_CheckedWorkflow":
        """Return a workflow of a declaration."""
        possible = (each for each in workflow.transitions if each.source is not Status.CLOSED)
        policy = policy_of((each.source, each.target, each.role) for each in possible)
        return cls(declaration, index, workflow, policy)

    def reachable(
        self, actor: ActorRoles = _ALL_ROLES, start: Status = Status.OPEN
    ) -> list[Status]:
        """Return the statuses to which actors with these roles can move a ticket from `start`."""
        statuses = [start]
        for each in statuses:
            statuses += [s for s in allowed_targets(self.policy, each, actor) if s not in statuses]
        return sorted(statuses, key=STATUSES.index)

    def stuck_without(self, role: ActorRoles) -> tuple[Status, ...]:
        """Return the statuses that a ticket can get to without `role`, but not leave."""
        others = _ALL_ROLES & ~role
        return tuple(
            status
            for status in self.reachable(others)
            if declared_targets(self.policy, status)
            and not allowed_targets(self.policy, status, others)
        )

    def finding(
        self, code: str, message: str, severity: Severity, source: Status | None = None
    ) -> Finding:
        """Return a finding about this workflow.

        Its location is the first transition from `source`, or else the name of the workflow.
        """
        path = next(
            (
                ("transitions", index)
                for index, transition in enumerate(self.workflow.transitions)
                if transition.source is source
            ),
            ("name",),
        )
        at = self.declaration.location("workflows", self.index, *path)
        return Finding(code, f"{self.workflow.name}: {message}", at, severity)


def _check_closed_is_reachable(checked: _CheckedWorkflow) -> Iterator[Finding]:
    """CLOSED must be reachable from every reachable status. Dead ends have their own rule."""
    lost = [
        status
        for status in checked.reachable()
        if Status.CLOSED not in checked.reachable(start=status)
        and declared_targets(checked.policy, status)
    ]
    if lost:
        message = f"a ticket cannot get from {' or '.join(lost)} to CLOSED; add transitions."
        yield checked.finding("closed_unreachable", message, Severity.ERROR, lost[0])


def _check_dead_ends(checked: _CheckedWorkflow) -> Iterator[Finding]:
    """Every reachable status except CLOSED must have a transition."""
    for status in checked.reachable():
        if status is not Status.CLOSED and not declared_targets(checked.policy, status):
            message = f"a ticket cannot leave {status}; add a transition."
            yield checked.finding("dead_end", message, Severity.ERROR)


def _check_statuses_are_reachable(checked: _CheckedWorkflow) -> Iterator[Finding]:
    """Every status except CLOSED should be reachable from OPEN."""
    for status in STATUSES:
        if status is not Status.CLOSED and status not in checked.reachable():
            message = f"a ticket cannot get from OPEN to {status}."
            yield checked.finding("unreachable_status", message, Severity.WARNING, status)


def _check_closed_is_final(checked: _CheckedWorkflow) -> Iterator[Finding]:
    """Transitions from CLOSED have no effect."""
    if any(transition.source is Status.CLOSED for transition in checked.workflow.transitions):
        message = (
            "transitions from CLOSED have no effect, as a CLOSED ticket accepts only comments."
        )
        yield checked.finding("closed_has_exit", message, Severity.WARNING, Status.CLOSED)


def _check_auto_close(checked: _CheckedWorkflow) -> Iterator[Finding]:
    """`autoClose` needs a transition, because `system` closes only what a role can close."""
    auto_close = checked.workflow.auto_close
    is_on = auto_close is not None and auto_close.after_resolved != NEVER
    if is_on and Status.CLOSED not in declared_targets(checked.policy, Status.RESOLVED):
        message = "autoClose has no effect, because there is no transition RESOLVED -> CLOSED."
        at = checked.declaration.location("workflows", checked.index, "autoClose")
        yield Finding("no_auto_close", f"{checked.workflow.name}: {message}", at, Severity.WARNING)


def _check_system_tickets(checked: _CheckedWorkflow) -> Iterator[Finding]:
    """A ticket that `system` opened has no requester, so it needs another role to move it."""
    for status in checked.stuck_without(ActorRoles.REQUESTER):
        message = (
            f"only the requester can move a ticket from {status}, but a ticket that system opened"
            " has no requester; declare role: any, or add a transition."
        )
        yield checked.finding("system_ticket_stuck", message, Severity.WARNING, status)


def _check_unassigned_tickets(checked: _CheckedWorkflow) -> Iterator[Finding]:
    """A ticket without an assignee can need one before it moves."""
    for status in checked.stuck_without(ActorRoles.ASSIGNEE):
        message = (
            f"only the assignee can move a ticket from {status}; make sure that its group or an"
            " admin assigns it."
        )
        yield checked.finding("unassigned_ticket_stuck", message, Severity.INFORMATION, status)


def _check_separation_of_duties(checked: _CheckedWorkflow) -> Iterator[Finding]:
    """One user can be both requester and assignee."""
    if Status.CLOSED in checked.reachable(_ASSIGNEE_AND_REQUESTER):
        message = (
            "a requester who is also the assignee can move a ticket from OPEN to CLOSED alone."
        )
        yield checked.finding("no_separation_of_duties", message, Severity.INFORMATION)


_RULES: Final[tuple[Callable[[_CheckedWorkflow], Iterator[Finding]], ...]] = (
    _check_closed_is_reachable,
    _check_dead_ends,
    _check_statuses_are_reachable,
    _check_closed_is_final,
    _check_auto_close,
    _check_system_tickets,
    _check_unassigned_tickets,
    _check_separation_of_duties,
)
"""All rules, those with the most severe findings first."""


def analyse(declaration: Declaration) -> tuple[Finding, ...]:
    """Return the findings of all rules for each declared workflow."""
    workflows = enumerate(declaration.ticketing.workflows)
    checked = (_CheckedWorkflow.of(declaration, index, workflow) for index, workflow in workflows)
    return tuple(finding for each in checked for rule in _RULES for finding in rule(each))
