"""The policy: a whole workflow as one 48-bit integer, and every question that it answers.

Pair (from, to) owns the three bits at ``3 * (4 * from + to)``; within them stand the actor roles
that may make this transition (design section 3). `ROLES_ALLOWED_SQL` in `engine.storage` asks the
same integer the same question inside the statement that changes a ticket.
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
"""The place of each pair's three bits."""

ROLES_BY_BITS: Final = {bits: role for role, bits in ROLE_BITS.items()}
"""The role that each set of actor roles is declared as."""

MASKS: Final = {
    source: {
        target: tuple(int(actor) << SHIFTS[source, target] for actor in ROLE_COMBINATIONS)
        for target in STATUSES
    }
    for source in STATUSES
}
"""The bits of which one is enough, by source, target and actor: nested, so that a check is three
look-ups and one AND, and builds no key."""


def policy_of(transitions: Iterable[tuple[Status, Status, Role]]) -> Policy:
    """Return the policy that allows exactly these transitions."""
    policy = 0
    for source, target, role in transitions:
        policy |= ROLE_BITS[role] << SHIFTS[source, target]
    return Policy(policy)


def roles_allowed(policy: int, source: Status, target: Status) -> ActorRoles:
    """Return the actor roles of which any one will do; none if it is not declared."""
    return ActorRoles(policy >> SHIFTS[source, target] & ROLE_MASK)


def permits(policy: int, source: Status, target: Status, actor: int) -> bool:
    """Tell whether an actor who is `actor` towards the ticket may make this transition."""
    return policy & MASKS[source][target][actor] != 0


def allowed_targets(policy: int, source: Status, actor: int) -> tuple[Status, ...]:
    """Return the statuses that `actor` may move a ticket to from `source`."""
    return tuple(target for target in STATUSES if permits(policy, source, target, actor))


def declared_targets(policy: int, source: Status) -> tuple[Status, ...]:
    """Return the statuses that somebody may move a ticket to from `source`."""
    return allowed_targets(policy, source, ROLE_COMBINATIONS[-1])


def declared_role(policy: int, source: Status, target: Status) -> Role | None:
    """Return the declared role of a transition, the inverse of `ROLE_BITS`; None if undeclared."""
    return ROLES_BY_BITS.get(roles_allowed(policy, source, target))


def transitions_of(policy: int) -> tuple[tuple[Status, Status, Role], ...]:
    """Return the transitions that `policy_of` would compile to `policy`, in layout order."""
    return tuple(
        (source, target, role)
        for source, target in SHIFTS
        if (role := declared_role(policy, source, target)) is not None
    )
