"""The place of a row in the log of one database, which orders it among the other rows.

Unlike a position, which clients keep, it says nothing about the rows before it.
"""

from typing import Final, NamedTuple


class LogPlace(NamedTuple):
    """The columns that order the log."""

    transaction: int
    entry: int


BEFORE_LOG: Final = LogPlace(0, 0)
"""The place before all rows."""
