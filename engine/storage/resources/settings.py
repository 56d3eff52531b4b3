"""Declared settings, one at a time, for statements that keep to them."""

import json
from typing import Final, TypeVar

from sqlalchemy import bindparam, select

from engine.declaration.fields import Declared
from engine.storage.postgres.database import Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import settings

T = TypeVar("T", bound=Declared)

IN_FORCE: Final = Statement.of(
    select(settings.c.declaration).where(
        settings.c.name == bindparam("setting"), settings.c.retired_at.is_(None)
    )
)


async def read_setting(session: Session, name: str, model: type[T]) -> T | None:
    """Return a setting that is in force; None if there is none of that name."""
    row = await session.row(IN_FORCE, setting=name)
    return None if row is None else model.model_validate(json.loads(row["declaration"]))
