"""The words in which a calendar is declared, and as what a declared calendar is understood."""

import re
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from engine.calendars import Shift

ZONE_FORM: Final = re.compile(r"UTC|[A-Z][A-Za-z0-9_+-]*(?:/[A-Z][A-Za-z0-9_+-]*)+")
SHIFT_FORM: Final = re.compile(r"[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]")
DATE_FORM: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_time_zone(text: str) -> ZoneInfo:
    """Return a time zone by its IANA name.

    Raises:
        ValueError: there is none of that name.

    """
    try:
        return ZoneInfo(text if ZONE_FORM.fullmatch(text) else "")
    except (ValueError, KeyError, OSError):
        raise ValueError("is no time zone; write for example Europe/Budapest") from None


def parse_shift(text: str) -> Shift:
    """Return working hours such as `09:00-17:00`.

    Raises:
        ValueError: they are none, or not of one day.

    """
    try:
        return Shift.parse(text if SHIFT_FORM.fullmatch(text) else "")
    except ValueError:
        raise ValueError(
            "are not hours of one day; write for example 09:00-17:00, and those over midnight in"
            " two children, 22:00-24:00 and 00:00-06:00 of the next day"
        ) from None


def parse_date(text: str) -> date:
    """Return a date such as `2026-12-25`.

    Raises:
        ValueError: it is none.

    """
    try:
        return date.fromisoformat(text if DATE_FORM.fullmatch(text) else "")
    except ValueError:
        raise ValueError("is no date; write for example 2026-12-25") from None
