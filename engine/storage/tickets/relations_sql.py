"""`engine.tickets.permissions` in SQL, for the statement that makes a transition.

An expression for relations has their names as a part of a JSON array, in alphabetical order; it is
empty without a relation.
"""

from typing import Final

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Text,
    and_,
    bindparam,
    case,
    false,
    func,
    literal_column,
)

from engine.storage.postgres.tables import tickets
from engine.tickets.permissions import Relation
from engine.vocabulary import ActorRoles

IS_GROUP_MEMBER: Final[ColumnElement[bool]] = func.coalesce(
    tickets.c.assignee_group == func.any(bindparam("actor_groups", type_=ARRAY(Text))), false()
).label("is_group_member")
"""Whether the actor is a member of the assignee group of a ticket."""


def note_writing_relations(ticket: CTE) -> ColumnElement[str]:
    """Return the relations by which the actor can add an internal note.

    Args:
        ticket: has the roles of the actor as `actor_bits`, and `is_group_member`.

    """
    return _listed(_staff_conditions(ticket))


def assigning_relations(ticket: CTE) -> ColumnElement[str]:
    """Return the relations by which the actor can assign a ticket, as `assigners` does."""
    is_requester = _has_role(ticket, ActorRoles.REQUESTER)
    requesters = and_(is_requester, ticket.c.assignee_group.is_(None))
    return _listed(_staff_conditions(ticket) | {Relation.REQUESTER: requesters})


def details_of(relations: ColumnElement[str]) -> ColumnElement[str]:
    """Return the details of an entry that relations allowed, as `permission_details` does."""
    begin, end = (literal_column(f"'{each}'", Text) for each in ('{"allowed_as": [', "]}"))
    return begin.concat(relations).concat(end)


def _staff_conditions(ticket: CTE) -> dict[Relation, ColumnElement[bool]]:
    return {
        Relation.ADMIN: _has_role(ticket, ActorRoles.ADMIN),
        Relation.ASSIGNEE: _has_role(ticket, ActorRoles.ASSIGNEE),
        Relation.GROUP_MEMBER: ticket.c.is_group_member,
    }


def _has_role(ticket: CTE, role: ActorRoles) -> ColumnElement[bool]:
    return ticket.c.actor_bits.bitwise_and(literal_column(str(int(role)))) != literal_column("0")


def _listed(conditions: dict[Relation, ColumnElement[bool]]) -> ColumnElement[str]:
    names = (
        case((conditions[each], literal_column(f"""'"{each}"'""", Text)))
        for each in sorted(conditions)
    )
    return func.concat_ws(literal_column("', '"), *names, type_=Text)
