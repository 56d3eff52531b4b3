"""How much memory a prepared document may come to take: told before, and never too little.

A text is bounded, but what is compiled of it is not by the text alone: every operation has its own
plan for the fragments that it spreads, and one more for each set of answers to its conditions.
`benchmarks.documents` measures what documents really take.
"""

from collections.abc import Collection, Iterable
from typing import Final

from api.graphql.documents.depth import Measure
from api.limits import PLANS_PER_OPERATION

BYTES_A_CHARACTER: Final = 200
"""Of the text: what was read and converted of it."""
BYTES_A_PLAN: Final = 2_000
"""Of an operation, for one set of answers to its conditions."""
BYTES_A_FIELD: Final = 2_000
"""Of a plan: how the field is answered."""


def bytes_at_most(text: str, operations: Iterable[Measure], conditions: Collection[str]) -> int:
    """Return the bytes that a document takes once all of it has been executed."""
    kept = min(1 << len(conditions), PLANS_PER_OPERATION)
    plans = sum(BYTES_A_PLAN + BYTES_A_FIELD * measure.fields for measure in operations)
    return BYTES_A_CHARACTER * len(text) + kept * plans
