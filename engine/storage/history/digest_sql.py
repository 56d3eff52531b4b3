"""The digests of `engine.tickets.history` and `engine.sealing.chain` in SQL."""

from collections.abc import Iterable
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
    return chained_digest(before, (canonical[name] for name in CANONICAL_ORDER))


def chained_digest(
    before: ColumnElement[bytes], values: Iterable[ColumnElement[object]]
) -> ColumnElement[bytes]:
    """Return the digest of values, which must have their canonical form, and of that before."""
    text = cast(func.json_build_array(*values), Text)
    encoded = func.convert_to(text, literal_column("'UTF8'"))
    return func.sha256(before.op("||")(encoded))
