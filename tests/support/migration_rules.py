"""What a migration can do while servers of the previous release use the database."""

import re
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Final

from alembic.migration import MigrationContext
from alembic.operations import Operations

_RULES: Final[dict[str, str]] = {
    r"\bDROP (TABLE|COLUMN|TYPE|FUNCTION|VIEW|DEFAULT)\b": "the previous release can use it",
    r"\bRENAME\b": "the previous release uses the former name",
    r"\bALTER COLUMN \S+ (SET DATA )?TYPE\b": "the previous release expects the former type",
    r"\bSET NOT NULL\b": "the previous release can write null",
    r"\bADD COLUMN (?=.*\bNOT NULL\b)(?!.*\bDEFAULT\b)": "the previous release does not write it",
    r"\bADD (CONSTRAINT|CHECK|FOREIGN|UNIQUE)\b(?!.*\bNOT VALID\b)": (
        "existing rows are checked under a lock: add it NOT VALID, and validate it later"
    ),
    r"\bCREATE UNIQUE INDEX\b": "the previous release can write duplicates",
    r"\bREVOKE\b": "the previous release can use the right",
    r"\b(TRUNCATE|DELETE FROM)\b": "the previous release can read the rows",
}
"""Why a statement of a migration that only expands the schema is refused, by pattern."""


def statements_of(upgrade: Callable[[], object]) -> list[str]:
    """Return the SQL statements that a migration would run."""
    written = StringIO()
    options = {"as_sql": True, "output_buffer": written}
    context = MigrationContext.configure(dialect_name="postgresql", opts=options)
    with Operations.context(context):
        upgrade()
    return [each for each in map(str.strip, written.getvalue().split(";\n")) if each]


def contractions(statements: list[str]) -> Iterator[str]:
    """Yield what would break servers of the previous release, each as a sentence."""
    created = {
        name
        for each in statements
        for name in re.findall(r"^CREATE TABLE (\S+)", each, re.IGNORECASE)
    }
    for statement in statements:
        line = " ".join(statement.split())
        table = re.search(r"^(?:ALTER TABLE|CREATE UNIQUE INDEX \S+ ON) (\S+)", line, re.IGNORECASE)
        if table and table[1] in created:
            continue  # the previous release does not know this table
        for pattern, reason in _RULES.items():
            if re.search(pattern, line, re.IGNORECASE):
                yield f"{line}: {reason}"
