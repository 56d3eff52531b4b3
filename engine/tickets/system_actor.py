"""What Interlock does to tickets by itself, and why: recorded as the actor `system`. Pure.

Its moves are no transitions of a workflow (design section 6), so each carries its reason in the
details of its entry.
"""

import json
from enum import StrEnum
from typing import Final

from engine.tickets.actor import Actor
from engine.tickets.history import Entry
from engine.vocabulary import SYSTEM

SYSTEM_ACTOR: Final = Actor(SYSTEM, "Interlock")
"""Who acts where no person does; it is nobody towards any ticket."""

REASON: Final = "reason"
"""Under which the details of an entry hold why the system made it."""


class SystemReason(StrEnum):
    """Why the system did something to a ticket."""

    SERVICE_RECOVERED = "service_recovered"
    SERVICE_DOWN_AGAIN = "service_down_again"
    GRACE_PERIOD_OVER = "grace_period_over"


def system_details(reason: SystemReason, **facts: str) -> str:
    """Return the details of an entry that the system makes."""
    return json.dumps({REASON: reason, **facts}, ensure_ascii=False)


def system_reason(entry: Entry) -> SystemReason | None:
    """Return why the system made an entry; None if a person made it, or it has no reason."""
    if entry.actor != SYSTEM or entry.details is None:
        return None
    reason = json.loads(entry.details).get(REASON)
    return None if reason is None else SystemReason(reason)
