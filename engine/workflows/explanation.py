"""Why a transition is allowed or refused. The code that enforces is the code that explains."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from engine.vocabulary import ActorRoles, Status
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.policy import allowed_targets, declared_targets, permits, roles_allowed


class Reason(StrEnum):
    """The reason for an answer; the `reason` in the details of `ForbiddenTransition`."""

    ALLOWED = "allowed"
    NO_SUCH_TRANSITION = "no_such_transition"
    ROLE_REQUIRED = "role_required"
    WORKFLOW_RETIRED = "workflow_retired"
    TICKET_CLOSED = "ticket_closed"


_MESSAGES: Final = {
    Reason.ALLOWED: "As {roles}, {actor} can move {ticket} from {source} to {target}.",
    Reason.NO_SUCH_TRANSITION: (
        "The workflow {workflow} has no transition from {source} to {target}."
    ),
    Reason.ROLE_REQUIRED: (
        "Only {allowed} can move {ticket} from {source} to {target}; {actor} {verb} {roles}."
    ),
    Reason.WORKFLOW_RETIRED: (
        "The workflow {workflow} is retired; its tickets keep their status until it is declared"
        " again."
    ),
    Reason.TICKET_CLOSED: "A CLOSED ticket accepts comments, but no other changes.",
}
_ROLES: Final = {
    ActorRoles.ASSIGNEE: "the assignee",
    ActorRoles.REQUESTER: "the requester",
    ActorRoles.ADMIN: "an admin",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to the question whether an actor can make a transition.

    Attributes:
        allowed_roles: the roles that can make the transition; none if it is not declared.
        actor_roles: the roles of the actor towards the ticket.
        available_statuses: the statuses to which the actor can move the ticket now.
        shortest_path: the fewest declared transitions from `source` to `target`, in any role; both
            ends included. Empty if there is no path.

    """

    workflow: str
    source: Status
    target: Status
    reason: Reason
    allowed_roles: ActorRoles
    actor_roles: ActorRoles
    available_statuses: tuple[Status, ...]
    shortest_path: tuple[Status, ...]

    @property
    def allowed(self) -> bool:
        """Whether the actor can make the transition."""
        return self.reason is Reason.ALLOWED

    @property
    def message(self) -> str:
        """The answer, addressed to the actor of a ticket."""
        return self._message("this ticket", "you", "are")

    @property
    def general_message(self) -> str:
        """The answer for any ticket of the workflow and any actor with these roles."""
        return self._message("a ticket", "the actor", "is")

    def _message(self, ticket: str, actor: str, verb: str) -> str:
        allowed = _listed(self.allowed_roles, "or")
        held = self.actor_roles & self.allowed_roles if self.allowed else self.actor_roles
        no_roles = f"not {allowed}" if len(self.allowed_roles) == 1 else "none of these"
        return _MESSAGES[self.reason].format(
            workflow=self.workflow,
            source=self.source,
            target=self.target,
            allowed=allowed,
            ticket=ticket,
            actor=actor,
            verb=verb,
            roles=_listed(held, "and") or no_roles,
        )

    @property
    def facts(self) -> dict[str, object]:
        """The answer as a JSON object."""
        return {
            "workflow": self.workflow,
            "from": self.source,
            "to": self.target,
            "actor_roles": list(self.actor_roles.names),
            "allowed": self.allowed,
            "reason": self.reason,
            "allowed_roles": list(self.allowed_roles.names),
            "available_statuses": list(self.available_statuses),
            "shortest_path": list(self.shortest_path),
        }


def _listed(roles: ActorRoles, conjunction: str) -> str:
    """Return roles as text: `the assignee, the requester or an admin`; empty for none."""
    *first, last = [text for role, text in _ROLES.items() if role in roles] or [""]
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def explain(
    workflow: CompiledWorkflow, source: Status, target: Status, actor: ActorRoles
) -> Explanation:
    """Explain whether an actor with these roles can make a transition."""
    is_final = workflow.retired or source is Status.CLOSED
    return Explanation(
        workflow=workflow.name,
        source=source,
        target=target,
        reason=reason_for(workflow, source, target, actor),
        allowed_roles=roles_allowed(workflow.policy, source, target),
        actor_roles=actor,
        available_statuses=() if is_final else allowed_targets(workflow.policy, source, actor),
        shortest_path=shortest_path(workflow.policy, source, target),
    )


def reason_for(
    workflow: CompiledWorkflow, source: Status, target: Status, actor: ActorRoles
) -> Reason:
    """Return the reason. Of several, return the one that no role can overcome."""
    if workflow.retired:
        return Reason.WORKFLOW_RETIRED
    if source is Status.CLOSED:
        return Reason.TICKET_CLOSED
    if permits(workflow.policy, source, target, actor):
        return Reason.ALLOWED
    if roles_allowed(workflow.policy, source, target):
        return Reason.ROLE_REQUIRED
    return Reason.NO_SUCH_TRANSITION


def shortest_path(policy: int, source: Status, target: Status) -> tuple[Status, ...]:
    """Return the fewest declared transitions from `source` to `target`, both ends included.

    No path leads out of CLOSED, even if a transition is declared. Empty if there is no path.
    """
    paths = deque[tuple[Status, ...]]([(source,)])
    visited = set[Status]()
    while paths:
        path = paths.popleft()
        for status in () if path[-1] is Status.CLOSED else declared_targets(policy, path[-1]):
            if status is target:
                return (*path, status)
            if status not in visited:
                visited.add(status)
                paths.append((*path, status))
    return ()
