"""Tables on standard output."""

import sys
from typing import Final

import typer
from rich.console import Console
from rich.measure import measure_renderables
from rich.table import Column, Table

PIPE_COLUMNS: Final = 120
"""The width of a table if standard output is not a terminal."""
_FOLDED_COLUMNS_MIN: Final = 16
"""The smallest width of a column that is folded."""
_BORDER_COLUMNS: Final = 3
"""The width of the border and of the margins of each column."""


def folded(header: str) -> Column:
    """Return a column for long texts, such as URLs, which continue on the next line.

    In all other columns, a line is never broken.
    """
    return Column(header, overflow="fold")


def print_table(table: Table, if_empty: str | None = None) -> None:
    """Print a table on standard output. Nothing is cut off, however narrow the terminal is.

    Args:
        table: its columns are headers, numbers to align, or `folded` ones.
        if_empty: what to print instead of a table without rows.

    """
    if if_empty and not table.rows:
        typer.echo(if_empty)
        return
    for column in table.columns:
        column.no_wrap = column.overflow != "fold"
    wanted = Console().width if sys.stdout.isatty() else PIPE_COLUMNS
    # Cells are plain text: a source such as [red] or :a: is printed as it is.
    console = Console(
        width=max(wanted, _width_min(table)), markup=False, emoji=False, highlight=False
    )
    console.print(table)


def _width_min(table: Table) -> int:
    """Return the smallest width of a table in which only `folded` columns are narrowed."""
    console = Console(width=sys.maxsize, markup=False, emoji=False)
    width = 1
    for column in table.columns:
        cells = [column.header, *column.cells]
        whole = measure_renderables(console, console.options, cells).maximum
        is_folded = column.overflow == "fold"
        width += _BORDER_COLUMNS + (min(whole, _FOLDED_COLUMNS_MIN) if is_folded else whole)
    return width
