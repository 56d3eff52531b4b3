"""How a changed workflow changes permissions, transition by transition. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from engine.resources.resource import Resource, is_active
from engine.vocabulary import ActorRoles, Role, Status
from engine.workflows.policy import (
    EMPTY_POLICY,
    ROLE_MASK,
    ROLES_BY_BITS,
    SHIFTS,
    Policy,
    roles_allowed,
)


class Effect(StrEnum):
    """How a transition changes: which users can make it."""

    ADDED = "added"
    REMOVED = "removed"
    WIDENED = "widened"
    NARROWED = "narrowed"
    SWAPPED = "swapped"


@dataclass(frozen=True, slots=True)
class TransitionChange:
    """A transition that other users can make after a change than before.

    Attributes:
        before, after: the declared role; None where the transition is not declared.

    """

    source: Status
    target: Status
    before: Role | None
    after: Role | None
    effect: Effect

    @property
    def widens(self) -> bool:
        """Whether some users can make it after the change who could not before."""
        return self.effect in {Effect.ADDED, Effect.WIDENED, Effect.SWAPPED}

    @property
    def narrows(self) -> bool:
        """Whether some users could make it before the change who cannot after it."""
        return self.effect in {Effect.REMOVED, Effect.NARROWED, Effect.SWAPPED}


def active_policy(workflow: Resource | None) -> Policy:
    """Return the policy that applies to the tickets of a workflow: empty if it is retired."""
    return last_known_policy(workflow) if is_active(workflow) else EMPTY_POLICY


def last_known_policy(workflow: Resource | None) -> Policy:
    """Return the policy of a workflow, also if it is retired."""
    return EMPTY_POLICY if workflow is None else workflow.compiled.policy


def transition_changes(before: int, after: int) -> tuple[TransitionChange, ...]:
    """Return every transition in which two policies differ, in the order of the statuses."""
    differing = before ^ after
    changes = []
    for (source, target), shift in SHIFTS.items():
        if differing >> shift & ROLE_MASK:
            old, new = roles_allowed(before, source, target), roles_allowed(after, source, target)
            roles = ROLES_BY_BITS.get(old), ROLES_BY_BITS.get(new)
            changes.append(TransitionChange(source, target, *roles, _effect_of(old, new)))
    return tuple(changes)


def _effect_of(before: ActorRoles, after: ActorRoles) -> Effect:
    if not before:
        return Effect.ADDED
    if not after:
        return Effect.REMOVED
    if before in after:
        return Effect.WIDENED
    return Effect.NARROWED if after in before else Effect.SWAPPED
