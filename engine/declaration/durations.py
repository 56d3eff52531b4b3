"""Durations as people and machines write them: `1h30m`, and `PT1H30M` (ISO 8601)."""

import re
from datetime import timedelta
from typing import Final

from engine import limits

DURATION_FORM: Final = re.compile(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")
ISO_FORM: Final = re.compile(r"P(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)S)?)?")
"""Without years and months, of which nobody knows how long they are."""
DURATION_PATTERN: Final = f"{DURATION_FORM.pattern}|{ISO_FORM.pattern}"
"""For an editor: nearly right, in the words of every dialect of regular expressions."""
DURATION_CHARACTERS: Final = 40


def parse_duration(text: str) -> timedelta:
    """Return a duration such as `5m`, `2h`, `1d`, `1h30m` or `PT1H30M`.

    Raises:
        ValueError: `text` is not of that form, or not between a second and `DURATION_DAYS` days.

    """
    found = form_of(text) if len(text) <= DURATION_CHARACTERS else None
    if not found or not any(found.groups()):
        raise ValueError("is not a duration; write for example 30m, 4h, 1d or 1h30m")
    days, hours, minutes, seconds = (int(group or 0) for group in found.groups())
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if not 0 < total <= limits.DURATION_DAYS * 24 * 60 * 60:
        raise ValueError(f"is not longer than 0s and at most {limits.DURATION_DAYS}d")
    return timedelta(seconds=total)


def form_of(text: str) -> re.Match[str] | None:
    """Return days, hours, minutes and seconds of a text, in whichever of the forms it is."""
    return None if text.endswith("T") else DURATION_FORM.fullmatch(text) or ISO_FORM.fullmatch(text)


def format_iso_duration(time: timedelta) -> str:
    """Return a time of at least 0 as ISO 8601 has it, in whole seconds: `P1DT2H`, `PT0S`."""
    minutes, seconds = divmod(time.days * 24 * 60 * 60 + time.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    clock = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
    date = f"{days}D" if days else ""
    return f"P{date}T{clock}" if clock else f"P{date or 'T0S'}"
