"""Policies to try, for the tests of what is made from them."""

from itertools import cycle, product

from hypothesis import strategies as st

from engine.vocabulary import STATUSES, ActorRoles, Role, Status
from engine.workflows.policy import policy_of

Moves = dict[tuple[Status, Status], Role]

PAIRS = [pair for pair in product(STATUSES, STATUSES) if pair[0] is not pair[1]]
MOVES = st.dictionaries(st.sampled_from(PAIRS), st.sampled_from(Role))
POLICIES = MOVES.map(lambda moves: policy_of((*pair, role) for pair, role in moves.items()))
EVERY_PAIR = policy_of((*pair, role) for pair, role in zip(PAIRS, cycle(Role), strict=False))


def as_declared(moves: Moves, source: Status, target: Status, actor: ActorRoles) -> bool:
    """Read a declaration as its author means it, without the integer."""
    names = {role.name for role in ActorRoles if role in actor}
    match moves.get((source, target)):
        case Role.ANY:
            return bool(names)
        case Role.ASSIGNEE:
            return "ASSIGNEE" in names
        case Role.REQUESTER:
            return "REQUESTER" in names
        case None:
            return False
