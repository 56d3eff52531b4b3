"""What a changed workflow means, transition by transition. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from engine.resources.resource import Resource
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
    """What happens to a transition."""

    ADDED = "added"
    REMOVED = "removed"
    WIDENED = "widened"
    NARROWED = "narrowed"
    SWAPPED = "swapped"


@dataclass(frozen=True, slots=True)
class TransitionChange:
    """One transition that is declared for others than before.

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
        """Whether somebody may make it now who could not before."""
        return self.effect in {Effect.ADDED, Effect.WIDENED, Effect.SWAPPED}

    @property
    def narrows(self) -> bool:
        """Whether somebody could make it before who may not now."""
        return self.effect in {Effect.REMOVED, Effect.NARROWED, Effect.SWAPPED}


def policy_in_force(resource: Resource | None) -> Policy:
    """Return the policy that tickets of a workflow are under; retired, it allows nothing."""
    if resource is None or resource.retired:
        return EMPTY_POLICY
    return last_known_policy(resource)


def last_known_policy(resource: Resource | None) -> Policy:
    """Return the policy of a workflow, retired or not."""
    return EMPTY_POLICY if resource is None else resource.compiled.policy


def transition_changes(before: int, after: int) -> tuple[TransitionChange, ...]:
    """Return every transition on which two policies differ, in the order of the statuses."""
    differing = before ^ after
    return tuple(
        transition_change(before, after, source, target)
        for (source, target), shift in SHIFTS.items()
        if differing >> shift & ROLE_MASK
    )


def transition_change(before: int, after: int, source: Status, target: Status) -> TransitionChange:
    """Return what becomes of one transition."""
    could, can = roles_allowed(before, source, target), roles_allowed(after, source, target)
    return TransitionChange(
        source, target, ROLES_BY_BITS.get(could), ROLES_BY_BITS.get(can), effect_of(could, can)
    )


def effect_of(before: ActorRoles, after: ActorRoles) -> Effect:
    """Return what a change of who may do it is called."""
    if not before:
        return Effect.ADDED
    if not after:
        return Effect.REMOVED
    if before in after:
        return Effect.WIDENED
    return Effect.NARROWED if after in before else Effect.SWAPPED
