"""Tables of results, with a title and a caption."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from rich.console import Console
from rich.table import Column, Table

_WIDTH: Final = 140
_WIDTH_MIN: Final = 100
"""Titles and captions have no longer lines, so none is wrapped."""
_HEADINGS: Final = ("what", "median", "reference", "its median", "ratio")

Comparison: TypeAlias = tuple[str, str, str, str, str]
"""A name, its median, the reference, its median, and the ratio of the medians."""


def new_table(*columns: str | Column, title: str, caption: str = "") -> Table:
    """Return an empty table."""
    return Table(
        *columns,
        title=title,
        title_justify="left",
        caption=caption,
        caption_justify="left",
        min_width=_WIDTH_MIN,
    )


def number_columns(*headings: str) -> Sequence[Column]:
    """Return right-aligned columns."""
    return [Column(heading, justify="right") for heading in headings]


def comparison_table(rows: Iterable[Comparison], *, title: str, caption: str = "") -> Table:
    """Return a table of comparisons."""
    table = new_table(*_HEADINGS, title=title, caption=caption)
    for row in rows:
        table.add_row(*row)
    return table


def print_table(table: Table) -> None:
    """Print a table, also to a narrow terminal or a file, without wrapping."""
    Console(width=_WIDTH).print(table)
