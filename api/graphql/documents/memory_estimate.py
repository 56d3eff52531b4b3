"""An upper bound of the memory that a prepared document can use.

The size of the text alone does not bound it: every operation has its own plan for the fragments
that it spreads, and one for each combination of its conditions. `benchmarks.documents` measures
what documents use.
"""

from collections.abc import Collection, Iterable
from typing import Final

from api.graphql.documents.depth import SelectionMetrics
from api.limits import PLANS_PER_OPERATION

BYTES_PER_CHARACTER: Final = 200
"""For the parsed and converted text."""
BYTES_PER_PLAN: Final = 2_000
"""For one operation with one combination of conditions."""
BYTES_PER_FIELD: Final = 2_000
"""For each field of a plan."""


def max_memory_bytes(
    text: str, operations: Iterable[SelectionMetrics], conditions: Collection[str]
) -> int:
    """Return the bytes that a document uses after it was executed in every way."""
    plans_each = min(1 << len(conditions), PLANS_PER_OPERATION)
    plan_bytes = sum(BYTES_PER_PLAN + BYTES_PER_FIELD * each.fields for each in operations)
    return BYTES_PER_CHARACTER * len(text) + plans_each * plan_bytes
