"""Policies for tests: generated ones, and one with all transitions."""

from itertools import cycle, product

from hypothesis import strategies as st

from engine.vocabulary import STATUSES, ActorRoles, Role, Status
from engine.workflows.policy import policy_of

Transitions = dict[tuple[Status, Status], Role]

PAIRS = [pair for pair in product(STATUSES, STATUSES) if pair[0] is not pair[1]]
TRANSITIONS = st.dictionaries(st.sampled_from(PAIRS), st.sampled_from(Role))
POLICIES = TRANSITIONS.map(
    lambda declared: policy_of((*pair, role) for pair, role in declared.items())
)
EVERY_PAIR = policy_of((*pair, role) for pair, role in zip(PAIRS, cycle(Role), strict=False))


def is_allowed(declared: Transitions, source: Status, target: Status, actor: ActorRoles) -> bool:
    """Return whether a declaration allows a transition, without compiling it."""
    names = {role.name for role in ActorRoles if role in actor}
    match declared.get((source, target)):
        case Role.ANY:
            return bool(names)
        case Role.ASSIGNEE:
            return "ASSIGNEE" in names
        case Role.REQUESTER:
            return "REQUESTER" in names
        case None:
            return False
