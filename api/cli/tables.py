"""Tables on standard output."""

import sys
from typing import Final

from rich.console import Console
from rich.table import Table

PIPE_COLUMNS: Final = 120
"""The width of a table if standard output is not a terminal."""


def print_table(table: Table) -> None:
    """Print a table on standard output. A long text continues on the next line; none is cut."""
    for column in table.columns:
        column.overflow = "fold"
    Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS).print(table)
