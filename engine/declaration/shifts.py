"""The texts of a calendar: time zones, shifts and dates."""

import re
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from engine.calendars import Shift

ZONE_PATTERN: Final = r"UTC|[A-Z][A-Za-z0-9_+-]*(?:/[A-Z][A-Za-z0-9_+-]*)+"
SHIFT_PATTERN: Final = r"[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]"
DATE_PATTERN: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


def parse_time_zone(text: str) -> ZoneInfo:
    """Return the time zone with an IANA name; raise ValueError for an unknown name."""
    try:
        return ZoneInfo(text if re.fullmatch(ZONE_PATTERN, text) else "")
    except (ValueError, KeyError, OSError):
        raise ValueError("must be an IANA time zone such as Europe/Budapest") from None


def parse_shift(text: str) -> Shift:
    """Parse a shift such as `09:00-17:00`; raise ValueError if it is not within one day."""
    try:
        return Shift.parse(text if re.fullmatch(SHIFT_PATTERN, text) else "")
    except ValueError:
        raise ValueError(
            "must be hours of one day such as 09:00-17:00; split those over midnight, as in"
            " 22:00-24:00 and 00:00-06:00 of the next day"
        ) from None


def parse_date(text: str) -> date:
    """Parse a date such as `2026-12-25`; raise ValueError if it is not a date."""
    try:
        return date.fromisoformat(text if re.fullmatch(DATE_PATTERN, text) else "")
    except ValueError:
        raise ValueError("must be a date such as 2026-12-25") from None
