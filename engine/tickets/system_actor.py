"""The actor `system`, and the reasons for its changes. Pure.

Its transitions are not part of a workflow, so each has its reason in the details
of the entry.
"""

import json
import re
from datetime import datetime
from enum import StrEnum
from typing import Final

from engine.limits import API_KEY_NAME_CHARACTERS
from engine.tickets.actor import Actor
from engine.tickets.history import Entry, canonical_timestamp
from engine.vocabulary import SYSTEM

SYSTEM_ACTOR: Final = Actor(SYSTEM, "Interlock")
"""The actor of automatic changes; it has no role on any ticket."""

_REASON_KEY: Final = "reason"
_KEY: Final = "key"
API_KEY_NAME: Final = re.compile(f"[0-9a-f]{{{API_KEY_NAME_CHARACTERS}}}")
"""The name of an API key: the beginning of its SHA-256."""


class SystemReason(StrEnum):
    """Why `system` changed a ticket."""

    SERVICE_RECOVERED = "service_recovered"
    SERVICE_DOWN_AGAIN = "service_down_again"
    GRACE_PERIOD_OVER = "grace_period_over"


def system_details(reason: SystemReason, **facts: str) -> str:
    """Return the details of an entry by `system`."""
    return json.dumps({_REASON_KEY: reason, **facts}, ensure_ascii=False)


def outage_details(
    reason: SystemReason, service: str, since: datetime, key: str | None = None
) -> str:
    """Return the details of an entry about a service that is DOWN, or OPERATIONAL, `since` then.

    Args:
        reason: why `system` made the entry.
        service: the path of the service.
        since: since when the service has its status.
        key: the name of the API key whose report gave it this status, if any.

    """
    facts = {"service": service, "since": canonical_timestamp(since)}
    return system_details(reason, **facts, **({} if key is None else {_KEY: key}))


def api_key_of(entry: Entry) -> str | None:
    """Return the name of the API key that caused an entry by `system`, if any."""
    if entry.actor != SYSTEM or entry.details is None:
        return None
    key: str | None = json.loads(entry.details).get(_KEY)
    return key


def system_reason(entry: Entry) -> SystemReason | None:
    """Return the reason of an entry by `system`; None if it has none or is by a user."""
    if entry.actor != SYSTEM or entry.details is None:
        return None
    reason = json.loads(entry.details).get(_REASON_KEY)
    return None if reason is None else SystemReason(reason)
