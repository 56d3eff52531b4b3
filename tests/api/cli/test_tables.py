"""Tables are complete at every width."""

from collections.abc import Iterator
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from api.cli.tables import PIPE_COLUMNS, folded, print_table

NAMES = st.text("abcdefgh_[]:", min_size=1, max_size=70)
URLS = st.text("abc/:.-[]", min_size=1, max_size=300)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def printed(table: Table, output: StringIO, columns: int) -> list[list[str]]:
    """Return the cells of each line below the header."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", output)
        patch.setenv("COLUMNS", str(columns))
        patch.setenv("NO_COLOR", "1")
        patch.setenv("TERM", "dumb")
        print_table(table)
    lines = [line for line in output.getvalue().splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def rows_of(cells: list[list[str]]) -> Iterator[tuple[str, str, str]]:
    """Yield the rows; the lines of a folded cell joined."""
    row = ("", "", "")
    for name, url, state in cells:
        if name:
            if row[0]:
                yield row
            row = (name, "", state)
        row = (row[0], row[1] + url, row[2])
    yield row


@given(
    st.lists(st.tuples(NAMES, URLS, NAMES), min_size=1, max_size=3),
    st.sampled_from([Terminal, StringIO]),
    st.integers(20, 300),
)
def test_nothing_is_cut_off(
    rows: list[tuple[str, str, str]], output: type[StringIO], columns: int
) -> None:
    table = Table("name", folded("url"), "state")
    for row in rows:
        table.add_row(*row)
    assert list(rows_of(printed(table, output(), columns))) == rows


def test_a_long_text_is_folded_at_the_width_of_a_pipe() -> None:
    table = Table("name", folded("url"))
    table.add_row("chat", "x" * 500)
    output = StringIO()
    printed(table, output, columns=40)
    assert {len(line) for line in output.getvalue().splitlines()} == {PIPE_COLUMNS}
