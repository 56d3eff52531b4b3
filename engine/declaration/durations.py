"""Durations in short form, such as `1h30m`, and as ISO 8601, such as `PT1H30M`."""

import re
from datetime import timedelta
from typing import Final

from engine import limits

_SHORT: Final = re.compile(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")
_ISO: Final = re.compile(r"P(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)S)?)?")
"""Without years and months, because their length varies."""
DURATION_PATTERN: Final = f"{_SHORT.pattern}|{_ISO.pattern}"
"""A pattern for JSON Schema. It accepts every valid duration and some invalid ones."""
_MAX_CHARACTERS: Final = 40


def parse_duration(text: str) -> timedelta:
    """Parse a duration such as `5m`, `2h`, `1d`, `1h30m` or `PT1H30M`.

    Raises:
        ValueError: the text is not a duration, or the duration is less than a second or more than
            `DURATION_DAYS`.

    """
    is_candidate = len(text) <= _MAX_CHARACTERS and not text.endswith("T")
    match = (_SHORT.fullmatch(text) or _ISO.fullmatch(text)) if is_candidate else None
    if not match or not any(match.groups()):
        raise ValueError("must be a duration such as 30m, 4h, 1d or 1h30m")
    days, hours, minutes, seconds = (int(group or 0) for group in match.groups())
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if not 0 < total <= limits.DURATION_DAYS * 24 * 60 * 60:
        raise ValueError(f"must be longer than 0s and at most {limits.DURATION_DAYS}d")
    return timedelta(seconds=total)


def format_iso_duration(duration: timedelta) -> str:
    """Return a duration as ISO 8601 in whole seconds, such as `P1DT2H`; it is at least 0."""
    minutes, seconds = divmod(duration.days * 24 * 60 * 60 + duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    clock = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
    date = f"{days}D" if days else ""
    return f"P{date}T{clock}" if clock else f"P{date or 'T0S'}"
