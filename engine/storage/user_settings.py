"""Stores the settings and the saved views of users."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import BindParameter, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from engine import limits
from engine.errors import InvalidInput
from engine.storage.postgres.database import Database, Row
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import saved_views, user_settings, users
from engine.user_settings import DEFAULT_SETTINGS, SavedView, Theme, UserSettings

SETTINGS_COLUMNS: Final = (
    user_settings.c.theme,
    user_settings.c.time_zone,
    user_settings.c.shortcuts,
    user_settings.c.start_path,
)
_OWN_SETTINGS: Final = user_settings.c.user_id == bindparam("user_id")
_READ_SETTINGS: Final = Statement.of(select(*SETTINGS_COLUMNS).where(_OWN_SETTINGS))
_NEW_SETTINGS: Final[Mapping[str, BindParameter[object]]] = {
    name: bindparam(name) for name in ("theme", "time_zone", "shortcuts", "start_path")
}
_SAVE_SETTINGS: Final = Statement.of(
    insert(user_settings)
    .values(user_id=bindparam("user_id"), **_NEW_SETTINGS)
    .on_conflict_do_update(index_elements=[user_settings.c.user_id], set_=_NEW_SETTINGS)
)

_OWN_VIEWS: Final = saved_views.c.user_id == bindparam("user_id")
_NAMED: Final = saved_views.c.name == bindparam("name")
_READ_VIEWS: Final = Statement.of(
    select(saved_views.c.name, saved_views.c.query)
    .where(_OWN_VIEWS)
    .order_by(func.lower(saved_views.c.name), saved_views.c.name)
)
_LOCK_USER: Final = Statement.of(
    select(users.c.id).where(users.c.id == bindparam("user_id")).with_for_update()
)
_OTHER_VIEWS: Final = Statement.of(
    select(func.count().label("count")).select_from(saved_views).where(_OWN_VIEWS, ~_NAMED)
)
_SAVE_VIEW: Final = Statement.of(
    insert(saved_views)
    .values(user_id=bindparam("user_id"), name=bindparam("name"), query=bindparam("query"))
    .on_conflict_do_update(
        index_elements=[saved_views.c.user_id, saved_views.c.name],
        set_={"query": bindparam("query")},
    )
)
_DELETE_VIEW: Final = Statement.of(delete(saved_views).where(_OWN_VIEWS, _NAMED))


def settings_of(row: Row) -> UserSettings:
    """Return the settings in a row with `SETTINGS_COLUMNS`, which are null without settings."""
    if row["theme"] is None:
        return DEFAULT_SETTINGS
    return UserSettings.model_construct(  # valid when they were stored
        theme=Theme(row["theme"]),
        time_zone=row["time_zone"],
        shortcuts=row["shortcuts"],
        start_path=row["start_path"],
    )


async def read_settings(database: Database, user_id: str) -> UserSettings:
    """Return the settings of a user."""
    row = await database.row(_READ_SETTINGS, user_id=user_id)
    return DEFAULT_SETTINGS if row is None else settings_of(row)


async def save_settings(database: Database, user_id: str, settings: UserSettings) -> None:
    """Store the settings of a user, who must be known."""
    await database.row(_SAVE_SETTINGS, user_id=user_id, **settings.model_dump())


async def read_views(database: Database, user_id: str) -> tuple[SavedView, ...]:
    """Return the saved views of a user by name."""
    rows = await database.rows(_READ_VIEWS, user_id=user_id)
    return tuple(SavedView.model_construct(name=row["name"], query=row["query"]) for row in rows)


async def save_view(database: Database, user_id: str, view: SavedView) -> None:
    """Save a view of a user, who must be known. It replaces one with the same name.

    Raises:
        InvalidInput: the user has too many.

    """
    async with database.transaction() as session:
        await session.row(_LOCK_USER, user_id=user_id)  # two new views could exceed the limit
        row = await session.row(_OTHER_VIEWS, user_id=user_id, name=view.name)
        if row and row["count"] >= limits.SAVED_VIEWS:
            message = f"You have {limits.SAVED_VIEWS} saved views. Delete one, and try again."
            raise InvalidInput(message)
        await session.run(_SAVE_VIEW, user_id=user_id, name=view.name, query=view.query)


async def delete_view(database: Database, user_id: str, name: str) -> None:
    """Delete a saved view of a user, if it exists."""
    await database.row(_DELETE_VIEW, user_id=user_id, name=name)
