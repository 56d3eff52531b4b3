"""Moments as the doors answer them."""

from datetime import UTC, datetime
from typing import Final

import orjson

TO_THE_SECOND: Final = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS


def format_timestamp(at: datetime) -> str:
    """Return a moment as RFC 3339 has it, in UTC.

    orjson writes it in a third of the time of `isoformat`, and a page holds a hundred.
    """
    return orjson.dumps(at.astimezone(UTC), option=TO_THE_SECOND)[1:-1].decode()
