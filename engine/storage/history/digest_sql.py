"""The digest of `engine.tickets.history` in SQL."""

from dataclasses import fields
from typing import Final

from sqlalchemy import ColumnElement, Text, cast, func, literal_column

from engine.tickets.history import Entry

CANONICAL_ORDER: Final = tuple(field.name for field in fields(Entry))
_TIMESTAMP_FORMAT: Final[ColumnElement[str]] = literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'""")


def digest(
    before: ColumnElement[bytes], values: dict[str, ColumnElement[object]]
) -> ColumnElement[bytes]:
    """Return the digest of an entry, given by column, and of the digest before it."""
    in_utc = func.timezone(literal_column("'UTC'"), values["at"])
    canonical = values | {"at": func.to_char(in_utc, _TIMESTAMP_FORMAT)}
    encoded = func.convert_to(
        cast(func.json_build_array(*(canonical[name] for name in CANONICAL_ORDER)), Text),
        literal_column("'UTF8'"),
    )
    return func.sha256(before.op("||")(encoded))
