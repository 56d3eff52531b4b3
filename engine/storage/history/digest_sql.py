"""`engine.tickets.history` as SQL: the canonical text of an entry and its digest."""

from dataclasses import fields

from sqlalchemy import ColumnElement, Text, cast, func, literal_column

from engine.tickets.history import Entry

Values = dict[str, ColumnElement[object]]

CANONICAL_ORDER = tuple(field.name for field in fields(Entry))


def digest(before: ColumnElement[bytes], values: Values) -> ColumnElement[bytes]:
    """Return the digest of an entry (its columns by name) on top of the digest before it."""
    canonical = func.json_build_array(
        *(
            canonical_moment(values[name]) if name == "at" else values[name]
            for name in CANONICAL_ORDER
        )
    )
    encoded = func.convert_to(cast(canonical, Text), literal_column("'UTF8'"))
    return func.sha256(before.op("||")(encoded))


def canonical_moment(at: ColumnElement[object]) -> ColumnElement[str]:
    """Return a moment as it is digested: UTC, six decimals."""
    form: ColumnElement[str] = literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'""")
    return func.to_char(func.timezone(literal_column("'UTC'"), at), form)
