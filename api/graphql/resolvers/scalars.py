"""The scalars of the schema."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from api.graphql.registry import Resolvers
from api.timestamps import format_timestamp
from engine import limits
from engine.declaration.durations import format_iso_duration, parse_duration

resolvers: Final = Resolvers()

MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


class DateTimeScalar:
    """Moments as RFC 3339 has them; answered in UTC and to the second."""

    def serialize(self, value: datetime) -> str:
        """Return the moment as text.

        Raises:
            ValueError: it has no offset, so nobody knows which moment it is.

        """
        if value.tzinfo is None:
            raise ValueError(f"{value} is no moment: it has no offset")
        return format_timestamp(value)

    def parse(self, value: object) -> datetime:
        """Return the moment that a client wrote, with whatever offset.

        Raises:
            ValueError: it is none.

        """
        if isinstance(value, str) and MOMENT.fullmatch(value):
            with suppress(ValueError, OverflowError):  # the 31st of June; the year 10000 in UTC
                return datetime.fromisoformat(value).astimezone(UTC)
        raise ValueError("a DateTime is written as in 2026-04-28T14:03:00Z")


class DurationScalar:
    """Durations as ISO 8601 has them, in whole seconds; taken as `1h30m`, too."""

    def serialize(self, value: timedelta) -> str:
        """Return the duration as text.

        Raises:
            ValueError: it is below nothing, which ISO 8601 has no form for.

        """
        if value < timedelta():
            raise ValueError(f"{value} is no duration: it is negative")
        return format_iso_duration(value)

    def parse(self, value: object) -> timedelta:
        """Return the duration that a client wrote.

        Raises:
            ValueError: it is none.

        """
        if isinstance(value, str):
            with suppress(ValueError):
                return parse_duration(value)
        raise ValueError(
            f"a Duration is written as in PT1H30M or 1h30m, up to {limits.DURATION_DAYS}d"
        )


resolvers.scalar("DateTime", DateTimeScalar())
resolvers.scalar("Duration", DurationScalar())
