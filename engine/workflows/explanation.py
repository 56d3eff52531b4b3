"""Why a transition is allowed or refused: the code that enforces is the code that explains."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from engine.vocabulary import STATUSES, ActorRoles, Status
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.policy import allowed_targets, declared_targets, permits, roles_allowed


class Reason(StrEnum):
    """The sub-reason of an answer; the `reason` in the details of `ForbiddenTransition`."""

    ALLOWED = "allowed"
    NO_SUCH_TRANSITION = "no_such_transition"
    ROLE_REQUIRED = "role_required"
    WORKFLOW_RETIRED = "workflow_retired"
    TICKET_CLOSED = "ticket_closed"


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole answer to "may this actor make this transition?".

    Attributes:
        allowed_roles: roles of which any one would do; none if the transition is not declared.
        actor_roles: what the actor is towards the ticket.
        available_statuses: statuses that this actor may move the ticket to now.
        shortest_path: the fewest declared moves from here to the wanted status, whoever makes
            them; both ends included, empty if no path leads there.

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
        """Whether the transition may be made."""
        return self.reason is Reason.ALLOWED

    @property
    def message(self) -> str:
        """The answer for people."""
        return SENTENCES[self.reason].format(
            move=f"{self.source} -> {self.target}",
            workflow=self.workflow,
            who=" or ".join(self.allowed_roles.names) or "nobody",
            actor_roles=" and ".join(self.actor_roles.names)
            or "neither assignee, requester nor admin",
        )

    @property
    def facts(self) -> dict[str, object]:
        """The answer for programs: the same facts in a refusal, in JSON and in the API."""
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


SENTENCES = {
    Reason.ALLOWED: "{move} is allowed: it takes the {who}, and the actor is {actor_roles}.",
    Reason.NO_SUCH_TRANSITION: "{workflow} has no transition {move}.",
    Reason.ROLE_REQUIRED: "{move} takes the {who}; the actor is {actor_roles}.",
    Reason.WORKFLOW_RETIRED: "{workflow} is retired: it makes no transition until it is declared.",
    Reason.TICKET_CLOSED: "A CLOSED ticket takes comments and nothing else.",
}


def explain(
    workflow: CompiledWorkflow, source: Status, target: Status, actor: ActorRoles
) -> Explanation:
    """Answer whether `actor` may move a ticket of `workflow` from `source` to `target`, and why."""
    return Explanation(
        workflow=workflow.name,
        source=source,
        target=target,
        reason=reason_for(workflow, source, target, actor),
        allowed_roles=roles_allowed(workflow.policy, source, target),
        actor_roles=actor,
        available_statuses=open_to(workflow, source, actor),
        shortest_path=shortest_path(workflow.policy, source, target),
    )


def reason_for(
    workflow: CompiledWorkflow, source: Status, target: Status, actor: ActorRoles
) -> Reason:
    """Return the decision; when several reasons refuse, the one that no role could overcome."""
    if workflow.retired:
        return Reason.WORKFLOW_RETIRED
    if source is Status.CLOSED:
        return Reason.TICKET_CLOSED
    if permits(workflow.policy, source, target, actor):
        return Reason.ALLOWED
    if roles_allowed(workflow.policy, source, target):
        return Reason.ROLE_REQUIRED
    return Reason.NO_SUCH_TRANSITION


def open_to(workflow: CompiledWorkflow, source: Status, actor: ActorRoles) -> tuple[Status, ...]:
    """Return the statuses that `actor` may move a ticket to from `source` now."""
    if workflow.retired or source is Status.CLOSED:
        return ()
    return allowed_targets(workflow.policy, source, actor)


def shortest_path(policy: int, source: Status, target: Status) -> tuple[Status, ...]:
    """Return the fewest legal moves from `source` to `target` (breadth first), ends included.

    No path leads out of CLOSED, declared or not.
    """
    came_from: dict[Status, Status] = {}
    waiting = deque([source])
    while waiting:
        here = waiting.popleft()
        for there in declared_targets(policy, here):
            if there not in came_from and here is not Status.CLOSED:
                came_from[there] = here
                waiting.append(there)
    return walk_back(came_from, source, target) if target in came_from else ()


def walk_back(
    came_from: dict[Status, Status], source: Status, target: Status
) -> tuple[Status, ...]:
    """Return the path that `came_from` remembers; at most one step a status."""
    path = [target]
    for _ in STATUSES:
        path.append(came_from[path[-1]])
        if path[-1] is source:
            break
    return tuple(reversed(path))
