"""A policy: a workflow as one 48-bit integer, and the functions that evaluate it.

The three bits at `3 * (4 * from + to)` are the actor roles that can move a ticket between the two
statuses. `engine.storage.tickets.policy_sql` evaluates the same integer in SQL, in the statement
that changes a ticket.
"""

from collections.abc import Iterable
from typing import Final, NewType

from engine.vocabulary import ROLE_BITS, ROLE_COMBINATIONS, STATUSES, ActorRoles, Role, Status

Policy = NewType("Policy", int)

ROLE_BITS_WIDTH: Final = 3
ROLE_MASK: Final = (1 << ROLE_BITS_WIDTH) - 1
POLICY_BITS: Final = ROLE_BITS_WIDTH * len(STATUSES) ** 2
EMPTY_POLICY: Final = Policy(0)

SHIFTS: Final = {
    (source, target): ROLE_BITS_WIDTH * (len(STATUSES) * source.ordinal + target.ordinal)
    for source in STATUSES
    for target in STATUSES
}
"""The position of the three bits of each pair of statuses."""

SOURCE_BITS: Final = ROLE_BITS_WIDTH * len(STATUSES)
"""The bits of all transitions from one status; those of the next status follow."""
EVERY_TARGET: Final = sum(1 << ROLE_BITS_WIDTH * target.ordinal for target in STATUSES)
"""Times actor roles: these roles at the bits of each target."""

ROLES_BY_BITS: Final = {bits: role for role, bits in ROLE_BITS.items()}
"""The declared role that each set of bits is compiled from."""

_MASKS: Final = {
    source: {
        target: tuple(int(actor) << SHIFTS[source, target] for actor in ROLE_COMBINATIONS)
        for target in STATUSES
    }
    for source in STATUSES
}
"""The bits that allow a transition, by source, target and actor roles. Nested, so that a check is
three look-ups and one AND, and allocates nothing."""


def policy_of(transitions: Iterable[tuple[Status, Status, Role]]) -> Policy:
    """Return the policy that allows exactly these transitions."""
    policy = 0
    for source, target, role in transitions:
        policy |= ROLE_BITS[role] << SHIFTS[source, target]
    return Policy(policy)


def roles_allowed(policy: int, source: Status, target: Status) -> ActorRoles:
    """Return the actor roles that can make a transition; none if it is not declared."""
    return ActorRoles(policy >> SHIFTS[source, target] & ROLE_MASK)


def permits(policy: int, source: Status, target: Status, actor: int) -> bool:
    """Return whether an actor with these roles can make a transition."""
    return policy & _MASKS[source][target][actor] != 0


def allowed_targets(policy: int, source: Status, actor: int) -> tuple[Status, ...]:
    """Return the statuses to which an actor with these roles can move a ticket."""
    return tuple(target for target in STATUSES if permits(policy, source, target, actor))


def permits_any(policy: int, source: Status, actor: int) -> bool:
    """Return whether an actor with these roles can move a ticket from this status."""
    return policy >> SOURCE_BITS * source.ordinal & actor * EVERY_TARGET != 0


def declared_targets(policy: int, source: Status) -> tuple[Status, ...]:
    """Return the statuses to which any role can move a ticket."""
    return allowed_targets(policy, source, ROLE_COMBINATIONS[-1])


def transitions_of(policy: int) -> tuple[tuple[Status, Status, Role], ...]:
    """Return the transitions of a policy in the order of its bits; the inverse of `policy_of`."""
    return tuple(
        (source, target, ROLES_BY_BITS[roles])
        for source, target in SHIFTS
        if (roles := roles_allowed(policy, source, target)) in ROLES_BY_BITS
    )
