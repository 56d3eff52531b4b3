"""How pages show times, durations and names. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from api.timestamps import format_timestamp
from engine.vocabulary import Status

_TIMESTAMP: Final = Markup('<time datetime="{machine}">{text}</time>')
_STATUS: Final = re.compile(rf"\b({'|'.join(Status)})\b")
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))


@dataclass(frozen=True, slots=True)
class Formats:
    """The formats of one page.

    Attributes:
        zone: the time zone of the reader; a script shows the zone of the browser instead if the
            reader chose none.

    """

    zone: ZoneInfo | None = None

    def timestamp(self, at: datetime) -> Markup:
        """Return a `time` element, whose text names the zone."""
        local = at.astimezone(self.zone or UTC)
        text = f"{local.day} {local:%b %Y, %H:%M %Z}"
        return _TIMESTAMP.format(machine=format_timestamp(at), text=text)


def duration(time: timedelta) -> str:
    """Return a duration in its two largest units, rounded down: `1 d 4 h`, `12 min`."""
    seconds = int(time.total_seconds())
    parts = []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
        if len(parts) == 2 or (parts and not count):
            break
    return " ".join(parts) or "less than 1 min"


def words(name: str) -> str:
    """Return the name of a status or a priority as text: `In progress`."""
    return name.replace("_", " ").capitalize()


def with_words(message: str) -> str:
    """Return a message of the engine with the names of statuses as text."""
    return _STATUS.sub(lambda found: words(found[0]), message)
