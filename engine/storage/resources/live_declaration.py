"""The declaration that is active in the database, as one digest."""

from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Text, collate, func, literal_column, select, type_coerce
from sqlalchemy.dialects.postgresql import aggregate_order_by

from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.statements import Statement
from engine.storage.resources.read import RESOURCES
from engine.storage.resources.reconciliations import ReconciliationPosition, latest_reconciliation


def _sha256(text: ColumnElement[str]) -> ColumnElement[str]:
    digest = func.sha256(func.convert_to(text, literal_column("'UTF8'")))
    return type_coerce(func.encode(digest, literal_column("'hex'")), Text)


_SPACE: Final[ColumnElement[Any]] = literal_column("' '")
_LINE: Final = func.concat(
    RESOURCES.c.kind, _SPACE, RESOURCES.c.name, _SPACE, _sha256(RESOURCES.c.declaration)
)
_LINES: Final = func.string_agg(
    _LINE,
    aggregate_order_by(
        literal_column(r"E'\n'"), collate(RESOURCES.c.kind, "C"), collate(RESOURCES.c.name, "C")
    ),
)
_DIGEST: Final = Statement.of(
    select(_sha256(func.coalesce(_LINES, literal_column("''"))).label("digest")).where(
        ~RESOURCES.c.retired
    )
)


class LiveDeclaration(NamedTuple):
    """The active declaration.

    Attributes:
        position: after the latest reconciliation.
        digest: as `engine.resources.declaration_digest` defines it.

    """

    position: ReconciliationPosition
    digest: str


async def read_live_declaration(
    source: Database | Session, known: LiveDeclaration | None = None
) -> LiveDeclaration:
    """Return the active declaration.

    Args:
        source: the database.
        known: what was read before; returned again if there was no reconciliation since.

    """
    position = await latest_reconciliation(source)
    if known is not None and known.position == position:
        return known
    row = await source.row(_DIGEST)
    return LiveDeclaration(position, str(row and row["digest"]))
