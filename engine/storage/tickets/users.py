"""The records of users, as their tokens describe them."""

from typing import Final

from sqlalchemy import ARRAY, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import users
from engine.tickets.actor import Actor

_DESCRIPTION: Final = {
    "name": bindparam("name"),
    "groups": bindparam("groups"),
    "seen_at": func.clock_timestamp(),
}
_SAVE_USER: Final = Statement.of(
    insert(users)
    .values(id=bindparam("id"), **_DESCRIPTION)
    .on_conflict_do_update(index_elements=[users.c.id], set_=_DESCRIPTION)
)
INSERT_USER: Final = Statement.of(insert(users).values(id=bindparam("id")).on_conflict_do_nothing())
USER_NAMES: Final = Statement.of(
    select(users.c.id, users.c.name).where(
        users.c.id == func.any(bindparam("ids", type_=ARRAY(Text)))
    )
)


async def save_user(database: Database, actor: Actor) -> None:
    """Store what the token of a user says about them."""
    await database.row(_SAVE_USER, id=actor.id, name=actor.name, groups=sorted(actor.groups))


async def ensure_users(session: Session, *ids: str | None) -> None:
    """Create records for users who have never signed in, so that tickets can refer to them."""
    known = sorted({each for each in ids if each is not None})
    await session.run_each(INSERT_USER, [{"id": each} for each in known])


async def read_user_names(database: Database, ids: list[str]) -> dict[str, str]:
    """Return the names of users; for a user who has never signed in, their id."""
    rows = await database.rows(USER_NAMES, ids=ids)
    return {row["id"]: row["name"] or row["id"] for row in rows}
