"""The texts of times with an offset."""

import re
from datetime import UTC, datetime
from typing import Final

TIME_PATTERN: Final = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


def parse_time(text: str) -> datetime:
    """Return a time in UTC; raise ValueError if the text is not one with an offset."""
    try:
        if re.fullmatch(TIME_PATTERN, text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("must be a time with its offset from UTC, such as 2026-05-01T22:00+02:00")
