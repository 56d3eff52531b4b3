"""People, as their tokens told them."""

from typing import Final

from sqlalchemy import ARRAY, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import users
from engine.tickets.actor import Actor

REMEMBER: Final = Statement.of(
    insert(users)
    .values(
        id=bindparam("id"),
        name=bindparam("name"),
        groups=bindparam("groups"),
        seen_at=func.clock_timestamp(),
    )
    .on_conflict_do_update(
        index_elements=[users.c.id],
        set_={
            "name": bindparam("name"),
            "groups": bindparam("groups"),
            "seen_at": func.clock_timestamp(),
        },
    )
)
INSERT_USER: Final = Statement.of(insert(users).values(id=bindparam("id")).on_conflict_do_nothing())
USER_NAMES: Final = Statement.of(
    select(users.c.id, users.c.name).where(
        users.c.id == func.any(bindparam("ids", type_=ARRAY(Text)))
    )
)


async def save_user(database: Database, actor: Actor) -> None:
    """Keep what the token of a signed-in person tells of them."""
    await database.row(REMEMBER, id=actor.id, name=actor.name, groups=sorted(actor.groups))


async def ensure_users(session: Session, *ids: str | None) -> None:
    """Make sure that tickets may point at these people, signed in before or not."""
    people: list[dict[str, object]] = [
        {"id": each} for each in sorted({each for each in ids if each is not None})
    ]
    await session.run_each(INSERT_USER, people)


async def read_user_names(database: Database, ids: list[str]) -> dict[str, str]:
    """Return the names of these people; the id of one who has never signed in."""
    rows = await database.rows(USER_NAMES, ids=ids)
    return {row["id"]: row["name"] or row["id"] for row in rows}
