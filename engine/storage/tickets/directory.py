"""The directory: the users and groups that tickets can be assigned to.

A user is known if a valid token named them. A group is known if a token of a user named it, or if
the active declaration names it: `ticketing.groups`, an item of the catalog or a service.
"""

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    Text,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    union,
)

from engine.errors import UnknownGroup, UnknownUser
from engine.findings import near_words, suggest
from engine.limits import HINT_NAMES, NAME_CHARACTERS
from engine.resources.resource import GROUPS
from engine.storage.postgres.database import Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import (
    DECLARED_ITEM_GROUP,
    DECLARED_SERVICE_GROUP,
    catalog_items,
    services,
    settings,
    token_groups,
    users,
)
from engine.storage.tickets.users import ensure_users
from engine.tickets.actor import Actor
from engine.tickets.permissions import can_read_directory
from engine.vocabulary import Assignees

_HINT_USERS: Final = HINT_NAMES // 2
"""Each user has two names to compare with: the id and the name for display."""
_CHECK_USER: Final = " Check the id, or ask the user to sign in once."
_CHECK_GROUP: Final = " Check the name, or declare the group in ticketing.groups."
_HINT_CHARACTERS: Final = 2
"""Of very many names, those that start with the same characters are compared first."""


def _active(source: Table, group: ColumnElement[Any]) -> Select[tuple[str]]:
    """Return the groups that the active resources of a table name."""
    named = select(group.label("name")).select_from(source)
    return named.where(source.c.retired_at.is_(None), group.is_not(None))


_DECLARED_GROUPS: Final = (
    _active(catalog_items, literal_column(DECLARED_ITEM_GROUP, Text)),
    _active(services, literal_column(DECLARED_SERVICE_GROUP, Text)),
    select(func.json_array_elements_text(settings.c.declaration["groups"]).label("name")).where(
        settings.c.name == literal_column(f"'{GROUPS}'"), settings.c.retired_at.is_(None)
    ),
)
GROUP_SOURCES: Final = [
    each.subquery() for each in (select(token_groups.c.name), *_DECLARED_GROUPS)
]
"""The known groups, in several tables."""
HAS_SIGNED_IN: Final = users.c.name.is_not(None)
_IS_KNOWN: Final = Statement.of(
    select(
        exists().where(users.c.id == bindparam("user"), HAS_SIGNED_IN).label("knows_user"),
        or_(
            *(
                exists().where(source.c.name == bindparam("group", type_=Text))
                for source in GROUP_SOURCES
            )
        ).label("knows_group"),
    )
)


def _starts_alike(name: ColumnElement[Any]) -> ColumnElement[bool]:
    first, word = (func.left(each, _HINT_CHARACTERS) for each in (name, bindparam("word")))
    return func.lower(first) == func.lower(word)


_SIMILAR_USERS: Final = Statement.of(
    select(users.c.id, users.c.name)
    .where(HAS_SIGNED_IN)
    .order_by(or_(_starts_alike(users.c.id), _starts_alike(users.c.name)).desc(), users.c.id)
    .limit(_HINT_USERS)
)


def _similar_groups(*sources: Select[tuple[str]]) -> Statement:
    names = union(*sources).subquery("known_group")
    return Statement.of(
        select(names.c.name)
        .order_by(_starts_alike(names.c.name).desc(), names.c.name)
        .limit(HINT_NAMES)
    )


_SIMILAR_DECLARED_GROUPS: Final = _similar_groups(*_DECLARED_GROUPS)
_SIMILAR_GROUPS: Final = _similar_groups(select(token_groups.c.name), *_DECLARED_GROUPS)


async def require_known(  # noqa: PLR0913  # which field of a ticket gets whom, by whom
    session: Session,
    assignees: Assignees,
    actor: Actor,
    *,
    user: str | None = None,
    user_field: str = "assignee",
    group: str | None = None,
) -> None:
    """Check that a ticket can have a user and an assignee group, and create the user's record.

    The actor is known, and so are the groups of the actor: they take no statement.

    Args:
        session: the transaction that changes the ticket.
        assignees: whether only known users and groups are accepted.
        actor: who changes the ticket; the caller has checked the permission.
        user: the new assignee or requester, if any.
        user_field: which field of the ticket the user is for.
        group: the new assignee group, if any.

    Raises:
        UnknownUser, UnknownGroup: with similar names, if the actor can list them.

    """
    if user is not None and (assignees is Assignees.ANY or user == actor.id):
        await ensure_users(session, user)
        user = None
    if assignees is Assignees.ANY or group in actor.groups:
        group = None
    if user is None and group is None:
        return
    row = await session.row(_IS_KNOWN, user=user, group=group)
    if row is None:
        raise LookupError("The statement returns one row.")
    if user is not None and not row["knows_user"]:
        raise await _unknown_user(session, actor, user, user_field)
    if group is not None and not row["knows_group"]:
        raise await _unknown_group(session, actor, group)


async def _unknown_user(session: Session, actor: Actor, user: str, field: str) -> UnknownUser:
    near: list[str] = []
    if can_read_directory(actor):
        rows = await session.rows(_SIMILAR_USERS, word=user)
        ids = {row["name"]: row["id"] for row in rows} | {row["id"]: row["id"] for row in rows}
        near = list(dict.fromkeys(ids[name] for name in near_words(_shortened(user), ids)))
    message = f"No user with the id {user!r} has signed in.{suggest(near) or _CHECK_USER}"
    return UnknownUser(message, field=field, user=user, near=near)


async def _unknown_group(session: Session, actor: Actor, group: str) -> UnknownGroup:
    everything = can_read_directory(actor)
    similar = _SIMILAR_GROUPS if everything else _SIMILAR_DECLARED_GROUPS
    names = [row["name"] for row in await session.rows(similar, word=group)]
    near = near_words(_shortened(group), names)
    message = (
        f"No token and no declaration names the group {group!r}.{suggest(near) or _CHECK_GROUP}"
    )
    return UnknownGroup(message, field="assigneeGroup", group=group, near=near)


def _shortened(word: str) -> str:
    return word[:NAME_CHARACTERS]
