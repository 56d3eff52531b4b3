"""When a delivery is attempted again, and when it fails permanently."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Final

RETRY_DELAYS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 15, 60, 5 * 60, 15 * 60, *(h * 3_600 for h in (1, 3, 6, 12, 12, 12, 12, 12)))
)
"""The delay after each failed attempt, about three days in total; then one last attempt follows."""
_JITTER: Final = 0.2
"""The share by which a delay is longer or shorter, so that retries do not come in bursts."""
_MAX_RETRY_AFTER: Final = timedelta(hours=12)
_RETRY_AFTER_STATUSES: Final = frozenset(
    {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
)


class DeliveryState(StrEnum):
    """The state of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class Failure(StrEnum):
    """Why an attempt got no HTTP response."""

    UNRENDERABLE = "unrenderable"
    """Nothing was sent: no event can be built from the recorded change."""
    TIMEOUT = "timeout"
    NO_CONNECTION = "no_connection"
    TLS_FAILED = "tls_failed"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    INVALID_RESPONSE = "invalid_response"


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The result of one attempt.

    Attributes:
        status: the HTTP status, or why there is no response.
        retry_after: how long the receiver asked to wait; 0 if it did not.

    """

    status: int | Failure
    retry_after: timedelta = timedelta()

    def __str__(self) -> str:
        return self.status if isinstance(self.status, Failure) else f"http_{self.status}"

    @property
    def is_success(self) -> bool:
        """Whether the receiver accepted the event. Redirects are failures: none is followed."""
        return not isinstance(self.status, Failure) and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the receiver asked to be sent nothing again (410)."""
        return self.status == HTTPStatus.GONE


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """What happens after an attempt.

    Attributes:
        state: the new state of the delivery.
        retry_in: the time until the next attempt; None if it was the last.
        pause_for: how long nothing is sent to the receiver.

    """

    state: DeliveryState
    retry_in: timedelta | None = None
    pause_for: timedelta = timedelta()


def decide_retry(result: AttemptResult, attempts: int, chance: float) -> RetryDecision:
    """Decide what happens after an attempt.

    Args:
        result: its result.
        attempts: the number of attempts, including this one.
        chance: a random number from 0 to 1 for the jitter.

    """
    if result.is_success:
        return RetryDecision(DeliveryState.DELIVERED)
    if result.is_gone or attempts > len(RETRY_DELAYS):
        return RetryDecision(DeliveryState.DEAD)
    delay = RETRY_DELAYS[attempts - 1] * (1 + _JITTER * (2 * chance - 1))
    pause = result.retry_after
    return RetryDecision(DeliveryState.PENDING, max(delay, pause), pause)


def parse_retry_after(status: int, header: str | None, now: datetime) -> timedelta:
    """Return how long a `Retry-After` header asks to wait (RFC 9110, section 10.2.3).

    It is at most 12 hours, and 0 if the header is missing, invalid or sent with another status
    than 429 and 503.
    """
    text = (header or "").strip()
    if status not in _RETRY_AFTER_STATUSES:
        return timedelta()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:10])), _MAX_RETRY_AFTER)
    try:
        return min(max(parsedate_to_datetime(text) - now, timedelta()), _MAX_RETRY_AFTER)
    except (ValueError, TypeError):
        return timedelta()
