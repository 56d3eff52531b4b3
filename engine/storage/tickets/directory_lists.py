"""Lists of the known users and groups, for those who can assign tickets of others."""

from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import ARRAY, ColumnElement, Text, bindparam, func, select, text, union

from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.tickets.directory import GROUP_SOURCES
from engine.tickets.actor import Actor
from engine.tickets.directory import DirectoryFilter, UserFilter
from engine.tickets.permissions import authorize_directory


class KnownUser(NamedTuple):
    """A user whom a valid token has named.

    Attributes:
        name: for display.

    """

    id: str
    name: str


_UNICODE: Final = "default"
"""The collation of the database. Ids have the collation C, which has no cases beyond ASCII."""

_FIRST_USERS: Final = 1_000
_IN_GROUP: Final = "AND groups @> CAST(:groups AS text[])"
_ALL_USERS: Final = """
SELECT id, name FROM users WHERE name IS NOT NULL {in_group} ORDER BY name, id LIMIT :size
"""
# The index of words finds all users with a word. If these are very many, the first users by name
# contain a whole page of them, so PostgreSQL does not read the index.
_HAS_WORDS: Final = "words @@ CAST(CAST(:words AS text) AS tsquery)"
_USERS_WITH_WORDS: Final = """
WITH first_by_name AS MATERIALIZED (
    SELECT id, name, groups, words FROM users WHERE name IS NOT NULL
    ORDER BY name, id LIMIT :first_users
), common AS MATERIALIZED (
    SELECT id, name FROM first_by_name WHERE {has_words} {in_group}
    ORDER BY name, id LIMIT :size
), rare AS MATERIALIZED (
    SELECT id, name FROM users
    WHERE name IS NOT NULL AND {has_words} {in_group} AND (SELECT count(*) FROM common) < :size
)
SELECT id, name FROM common UNION SELECT id, name FROM rare ORDER BY name, id LIMIT :size
"""


@cache
def _users_statement(*, in_group: bool, with_words: bool) -> Statement:
    sql = (_USERS_WITH_WORDS if with_words else _ALL_USERS).format(
        has_words=_HAS_WORDS, in_group=_IN_GROUP if in_group else ""
    )
    return Statement.of(text(sql))


def _contains_parts(name: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return whether a name contains each of the parts, in any case."""
    patterns = bindparam("patterns", type_=ARRAY(Text))
    return func.lower(name).op("LIKE")(func.all(patterns))


_KNOWN_GROUPS: Final = union(*(select(each.c.name) for each in GROUP_SOURCES)).subquery("known")
_GROUPS: Final = Statement.of(
    select(_KNOWN_GROUPS.c.name)
    .where(_contains_parts(_KNOWN_GROUPS.c.name.collate(_UNICODE)))
    .order_by(_KNOWN_GROUPS.c.name)
    .limit(bindparam("size"))
)


async def list_users(
    database: Database, actor: Actor, condition: UserFilter, size: int
) -> list[KnownUser]:
    """Return the first known users that match, ordered by name.

    Raises:
        Forbidden: see `authorize_directory`.

    """
    authorize_directory(actor)
    beginnings = condition.word_beginnings
    statement = _users_statement(in_group=condition.group is not None, with_words=bool(beginnings))
    rows = await database.rows_with_custom_plan(
        statement,
        words=" & ".join(f"'{each}':*" for each in beginnings),  # which contain no quotes
        groups=[condition.group],
        size=size,
        first_users=_FIRST_USERS,
    )
    return [KnownUser(row["id"], row["name"]) for row in rows]


async def list_groups(
    database: Database, actor: Actor, condition: DirectoryFilter, size: int
) -> list[str]:
    """Return the first known groups that match, in order.

    Raises:
        Forbidden: see `authorize_directory`.

    """
    authorize_directory(actor)
    rows = await database.rows(_GROUPS, patterns=condition.patterns, size=size)
    return [row["name"] for row in rows]
