"""Lists of the known users and groups, for those who can assign tickets of others."""

from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Text,
    bindparam,
    func,
    select,
    union,
)

from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import users
from engine.storage.tickets.directory import GROUP_SOURCES, HAS_SIGNED_IN
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


def _contains_parts(text: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return whether a text contains each of the parts, in any case."""
    patterns = bindparam("patterns", type_=ARRAY(Text))
    return func.lower(text).op("LIKE")(func.all(patterns))


@cache
def _users_statement(*, in_group: bool) -> Statement:
    statement = (
        select(users.c.id, users.c.name)
        .where(
            HAS_SIGNED_IN,
            _contains_parts(users.c.id.collate(_UNICODE).concat(" ").concat(users.c.name)),
        )
        .order_by(users.c.name, users.c.id)
        .limit(bindparam("size"))
    )
    if in_group:
        statement = statement.where(users.c.groups.op("@>")(bindparam("groups", type_=ARRAY(Text))))
    return Statement.of(statement)


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
    statement = _users_statement(in_group=condition.group is not None)
    rows = await database.rows(
        statement, patterns=condition.patterns, groups=[condition.group], size=size
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
