"""Tables as benchmarks print them: a head that is read first, names to the left, figures right."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from rich.console import Console
from rich.table import Column, Table

CHARACTERS: Final = 140
CHARACTERS_AT_LEAST: Final = 100
"""No line of a title or of a caption is longer, so none is broken."""
HEADINGS: Final = ("what", "median", "reference", "its median", "ratio")

Comparison: TypeAlias = tuple[str, str, str, str, str]
"""What was timed, its median, the reference, its median, and the ratio of the two."""


def headed(*columns: str | Column, title: str, caption: str = "") -> Table:
    """Return an empty table with its head."""
    return Table(
        *columns,
        title=title,
        title_justify="left",
        caption=caption,
        caption_justify="left",
        min_width=CHARACTERS_AT_LEAST,
    )


def figures(*headings: str) -> Sequence[Column]:
    """Return columns of figures, which are compared digit under digit."""
    return [Column(heading, justify="right") for heading in headings]


def compared(rows: Iterable[Comparison], *, title: str, caption: str = "") -> Table:
    """Return a table of comparisons."""
    table = headed(*HEADINGS, title=title, caption=caption)
    for row in rows:
        table.add_row(*row)
    return table


def show(table: Table) -> None:
    """Print a table, as wide as it needs, wherever it goes to."""
    Console(width=CHARACTERS).print(table)
