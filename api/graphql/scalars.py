"""The scalars of the schema."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from api.graphql.resolvers import Resolvers
from api.moments import to_the_second

resolvers: Final = Resolvers()

MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")


class DateTimeScalar:
    """Moments as RFC 3339 has them; answered in UTC and to the second."""

    def serialize(self, value: datetime) -> str:
        """Return the moment as text."""
        return to_the_second(value)

    def parse(self, value: object) -> datetime:
        """Return the moment that a client wrote, with whatever offset.

        Raises:
            ValueError: it is none.

        """
        if isinstance(value, str) and MOMENT.fullmatch(value):
            with suppress(OverflowError):  # before the year 1, or after 9999
                return datetime.fromisoformat(value).astimezone(UTC)
        raise ValueError("a DateTime is written as in 2026-04-28T14:03:00Z")


resolvers.scalar("DateTime", DateTimeScalar())
