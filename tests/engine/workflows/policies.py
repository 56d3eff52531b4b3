"""Policies to try, for the tests of what is made from them."""

from itertools import cycle, product

from hypothesis import strategies as st

from engine.vocabulary import STATUSES, Role
from engine.workflows.policy import policy_of

PAIRS = [pair for pair in product(STATUSES, STATUSES) if pair[0] is not pair[1]]
POLICIES = st.dictionaries(st.sampled_from(PAIRS), st.sampled_from(Role)).map(
    lambda moves: policy_of((*pair, role) for pair, role in moves.items())
)
EVERY_PAIR = policy_of((*pair, role) for pair, role in zip(PAIRS, cycle(Role), strict=False))
