"""Moments as the doors answer them."""

from datetime import UTC, datetime


def to_the_second(at: datetime) -> str:
    """Return a moment as RFC 3339 has it, in UTC."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
