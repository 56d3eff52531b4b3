"""The actor `system`, and the reasons for its changes. Pure.

Its transitions are not part of a workflow, so each has its reason in the details
of the entry.
"""

import json
from datetime import datetime
from enum import StrEnum
from typing import Final

from engine.tickets.actor import Actor
from engine.tickets.history import Entry, canonical_timestamp
from engine.vocabulary import SYSTEM

SYSTEM_ACTOR: Final = Actor(SYSTEM, "Interlock")
"""The actor of automatic changes; it has no role on any ticket."""

_REASON_KEY: Final = "reason"


class SystemReason(StrEnum):
    """Why `system` changed a ticket."""

    SERVICE_RECOVERED = "service_recovered"
    SERVICE_DOWN_AGAIN = "service_down_again"
    GRACE_PERIOD_OVER = "grace_period_over"


def system_details(reason: SystemReason, **facts: str) -> str:
    """Return the details of an entry by `system`."""
    return json.dumps({_REASON_KEY: reason, **facts}, ensure_ascii=False)


def outage_details(reason: SystemReason, service: str, since: datetime) -> str:
    """Return the details of an entry about a service that is DOWN, or OPERATIONAL, `since` then."""
    return system_details(reason, service=service, since=canonical_timestamp(since))


def system_reason(entry: Entry) -> SystemReason | None:
    """Return the reason of an entry by `system`; None if it has none or is by a user."""
    if entry.actor != SYSTEM or entry.details is None:
        return None
    reason = json.loads(entry.details).get(_REASON_KEY)
    return None if reason is None else SystemReason(reason)
