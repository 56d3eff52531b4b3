"""The scalars of the schema."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from api.graphql.registry import Resolvers
from api.timestamps import format_timestamp, parse_timestamp
from engine import limits
from engine.declaration.durations import format_iso_duration, parse_duration

resolvers: Final = Resolvers()


class DateTimeScalar:
    """Timestamps in the format of RFC 3339; serialized in UTC and to the second."""

    def serialize(self, value: datetime) -> str:
        """Return a timestamp as text; ValueError if it has no offset."""
        if value.tzinfo is None:
            raise ValueError(f"{value} has no offset")
        return format_timestamp(value)

    def parse(self, value: object) -> datetime:
        """Return the timestamp in a text with any offset; ValueError if it is not valid."""
        return parse_timestamp(value if isinstance(value, str) else "")


class DurationScalar:
    """Durations in the format of ISO 8601, in whole seconds; `1h30m` is also accepted."""

    def serialize(self, value: timedelta) -> str:
        """Return a duration as text; ValueError if it is negative."""
        if value < timedelta():
            raise ValueError(f"{value} is negative")
        return format_iso_duration(value)

    def parse(self, value: object) -> timedelta:
        """Return the duration in a text; ValueError if it is not valid."""
        if isinstance(value, str):
            with suppress(ValueError):
                return parse_duration(value)
        raise ValueError(
            f"must be a duration such as PT1H30M or 1h30m, at most {limits.DURATION_DAYS}d"
        )


resolvers.scalar("DateTime", DateTimeScalar())
resolvers.scalar("Duration", DurationScalar())
