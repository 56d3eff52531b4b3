"""`engine.tickets.history` as SQL: the canonical text of an entry and its digest."""

from sqlalchemy import ColumnElement, Text, cast, func, literal_column

from engine.storage.tables import ticket_status_history

Values = dict[str, ColumnElement[object]]

CANONICAL_ORDER = tuple(
    column.name for column in ticket_status_history.columns if column.name != "digest"
)
"""The fields of `Entry`, which are the columns of the table in their order."""


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
