"""Rows as CSV (RFC 4180) that a spreadsheet can open safely. Pure."""

import csv
from collections.abc import Iterable
from io import StringIO
from typing import Final
from unicodedata import normalize

BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it, Excel does not read a file as UTF-8."""
_FORMULA_STARTS: Final = frozenset("=+-@\t\r\n")
"""A spreadsheet evaluates a cell that begins with one of these, or with its full-width form, as a
formula (OWASP)."""


def csv_text(rows: Iterable[Iterable[str]]) -> str:
    """Return a line for each row."""
    text = StringIO()
    csv.writer(text).writerows([_as_text(cell) for cell in row] for row in rows)
    return text.getvalue()


def _as_text(value: str) -> str:
    """Return a value that no spreadsheet evaluates: an apostrophe marks a cell as text."""
    is_formula = normalize("NFKC", value[:1]) in _FORMULA_STARTS
    return f"'{value}" if is_formula else value
