"""When a delivery is attempted again, and when it is given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

DELAYS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 15, 60, 5 * 60, 15 * 60, *(h * 3_600 for h in (1, 3, 6, 12, 12, 12, 12, 12)))
)
"""How long to wait after each attempt that failed; after one more it is given up, in three days."""
JITTER: Final = 0.2
"""A delay is longer or shorter by up to this share, so that what failed together parts."""
RETRY_AFTER_MOST: Final = timedelta(hours=12)

GONE: Final = 410
ASKS_FOR_TIME: Final = frozenset({429, 503})


class DeliveryState(StrEnum):
    """How far a delivery has come."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class Obstacle(StrEnum):
    """Why a server attempts nothing."""

    HOST_NOT_ALLOWED = "host_not_allowed"
    SECRET_MISSING = "secret_missing"  # noqa: S105  # a reason, no secret
    SECRET_UNUSABLE = "secret_unusable"  # noqa: S105  # likewise


class Failure(StrEnum):
    """Why there was no answer."""

    NOT_TELLABLE = "unrenderable"
    """Nothing was sent: what is recorded makes no message."""
    TIMEOUT = "timeout"
    NO_CONNECTION = "no_connection"
    TLS_FAILED = "tls_failed"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    BROKEN_ANSWER = "broken_answer"


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """What became of one attempt.

    Attributes:
        status: the HTTP status, or why there was none.
        retry_after: how long the receiver asked us to wait; 0 if it did not.

    """

    status: int | Failure
    retry_after: timedelta = timedelta()

    def __str__(self) -> str:
        return self.status if isinstance(self.status, Failure) else f"http_{self.status}"

    @property
    def is_success(self) -> bool:
        """Whether the receiver has taken it; a redirect is no success, as none is followed."""
        return not isinstance(self.status, Failure) and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants nothing more."""
        return self.status == GONE


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done after an attempt.

    Attributes:
        again_in: how long until the next attempt; None unless there is one.
        hold_for: how long nothing else is sent to the receiver.

    """

    state: DeliveryState
    again_in: timedelta | None = None
    hold_for: timedelta = timedelta()


def verdict(answer: WebhookResponse, attempts: int, chance: float) -> Verdict:
    """Return what is done after an attempt.

    Args:
        answer: what became of it.
        attempts: how many there were, this one included.
        chance: from 0 to 1, where in the jitter the delay falls.

    """
    if answer.is_success:
        return Verdict(DeliveryState.DELIVERED)
    if answer.is_gone or attempts > len(DELAYS):
        return Verdict(DeliveryState.DEAD)
    delay = DELAYS[attempts - 1] * (1 + JITTER * (2 * chance - 1))
    asked = answer.retry_after
    return Verdict(DeliveryState.PENDING, max(delay, asked), asked)


def retry_after(status: int, header: str | None, now: datetime) -> timedelta:
    """Return how long an answer asks to wait: at most 12 hours, 0 if it does not ask."""
    if status not in ASKS_FOR_TIME or not header:
        return timedelta()
    return min(max(asked_for(header.strip(), now), timedelta()), RETRY_AFTER_MOST)


def asked_for(text: str, now: datetime) -> timedelta:
    """Return the time of a `Retry-After` header: seconds, or until a date (RFC 9110, 10.2.3)."""
    if text.isascii() and text.isdigit():
        most = RETRY_AFTER_MOST.total_seconds()
        return timedelta(seconds=min(int(text[:10]), most))
    try:
        return parsedate_to_datetime(text) - now
    except (ValueError, TypeError):
        return timedelta()
