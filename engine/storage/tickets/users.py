"""The records of users, as their tokens describe them."""

from typing import Final

from sqlalchemy import ARRAY, Text, bindparam, case, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import BYTEA, insert

from engine.storage.history.digest_sql import chained_digest
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import token_groups, user_names, users
from engine.tickets.actor import Actor

_DESCRIPTION: Final = {
    "name": bindparam("name"),
    "groups": bindparam("groups"),
    "seen_at": func.clock_timestamp(),
}
_UPSERT: Final = insert(users).values(id=bindparam("id"), name_seq=1, **_DESCRIPTION)
_IS_RENAMED: Final = case((users.c.name.is_distinct_from(_UPSERT.excluded.name), 1), else_=0)
_SAVED: Final = (
    _UPSERT.on_conflict_do_update(
        index_elements=[users.c.id],
        set_={**_DESCRIPTION, "name_seq": users.c.name_seq + _IS_RENAMED},
    )
    .returning(users.c.id, users.c.name, users.c.name_seq)
    .cte("saved")
)
_NAME_DIGEST: Final = chained_digest(
    cast(literal_column("''"), BYTEA), (_SAVED.c.id, _SAVED.c.name_seq, _SAVED.c.name)
)
_SEEN_GROUPS: Final = (
    insert(token_groups)
    .from_select(["name"], select(func.unnest(bindparam("groups", type_=ARRAY(Text)))))
    .on_conflict_do_nothing()
    .cte("seen_groups")
)
_SAVE_USER: Final = Statement.of(
    insert(user_names)
    .from_select(["user_id", "seq", "digest"], select(_SAVED.c.id, _SAVED.c.name_seq, _NAME_DIGEST))
    .on_conflict_do_nothing()
    .add_cte(_SEEN_GROUPS)
)
"""Records the digest of a name if the name is new (`engine.sealing.chain.name_digest`)."""
INSERT_USER: Final = Statement.of(insert(users).values(id=bindparam("id")).on_conflict_do_nothing())
_USER_GROUPS: Final = Statement.of(select(users.c.groups).where(users.c.id == bindparam("user")))
USER_NAMES: Final = Statement.of(
    select(users.c.id, users.c.name).where(
        users.c.id == func.any(bindparam("ids", type_=ARRAY(Text)))
    )
)


async def save_user(database: Database, actor: Actor) -> None:
    """Store what the token of a user says about them, and which groups exist.

    The groups are sorted, so that two users with the same new groups cannot deadlock.
    """
    await database.row(_SAVE_USER, id=actor.id, name=actor.name, groups=sorted(actor.groups))


async def ensure_users(session: Session, *ids: str | None) -> None:
    """Create records for users who have never signed in, so that tickets can refer to them."""
    known = sorted({each for each in ids if each is not None})
    await session.run_each(INSERT_USER, [{"id": each} for each in known])


async def read_user_groups(session: Session, user: str) -> frozenset[str]:
    """Return the groups of a user when they last signed in; none if they never did."""
    row = await session.row(_USER_GROUPS, user=user)
    return frozenset(row["groups"] if row is not None else ())


async def read_user_names(database: Database, ids: list[str]) -> dict[str, str]:
    """Return the names of users; for a user who has never signed in, their id."""
    rows = await database.rows(USER_NAMES, ids=ids)
    return {row["id"]: row["name"] or row["id"] for row in rows}
