"""Timestamps in responses."""

from datetime import UTC, datetime
from typing import Final

import orjson

_OPTIONS: Final = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS


def format_timestamp(at: datetime) -> str:
    """Return a timestamp in UTC, to the second (RFC 3339).

    orjson takes a third of the time of `isoformat`, and a page has a hundred timestamps.
    """
    return orjson.dumps(at.astimezone(UTC), option=_OPTIONS)[1:-1].decode()
