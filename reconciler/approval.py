"""The approval of a plan: the digest with which `ticketing.approvedPlan` lets it through. Pure.

The id of a plan covers when it was made and how many tickets it affects, so it differs each time
that values are planned. An approval covers what the plan does and the state that it starts from.
"""

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from reconciler.plan import Plan

_PREFIX: Final = "sha256:"


def approval_of(plan: Plan, hazards: Iterable[tuple[str, str]]) -> str:
    """Return the approval of a plan.

    It becomes invalid with the next reconciliation, so that it is used up when the plan is applied.

    Args:
        plan: the plan.
        hazards: the code and the resource of each hazard.

    """
    facts = {
        "base": plan.base,
        "changes": [
            [str(each.key), each.before_digest, each.after_digest, [r.column for r in each.repairs]]
            for each in plan.changes
        ],
        "tickets": plan.repaired_tickets,
        "hazards": sorted(hazards),
    }
    return _PREFIX + sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()
