"""Read declared settings."""

from typing import Final, TypeVar

from sqlalchemy import bindparam, select

from engine.declaration.fields import Declared
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import settings

T = TypeVar("T", bound=Declared)

_ACTIVE_SETTING: Final = Statement.of(
    select(settings.c.declaration).where(
        settings.c.name == bindparam("setting"), settings.c.retired_at.is_(None)
    )
)


async def read_setting(source: Database | Session, name: str, model: type[T]) -> T | None:
    """Return an active setting; None if it is not declared."""
    row = await source.row(_ACTIVE_SETTING, setting=name)
    return None if row is None else model.model_validate_json(row["declaration"])
