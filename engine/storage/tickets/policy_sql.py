"""The questions of `engine.workflows.policy` as SQL, for the statement that changes a ticket."""

from sqlalchemy import ColumnElement, Integer, Text, case, literal_column
from sqlalchemy.sql.elements import BindParameter

from engine.vocabulary import STATUS_ORDINALS, ActorRoles, Status
from engine.workflows.policy import ROLE_BITS_WIDTH, ROLE_MASK

OrdinalOrBind = ColumnElement[int] | BindParameter[int]


def ordinal(status: ColumnElement[str]) -> ColumnElement[int]:
    """Return the place of a status in the policy's layout."""
    return case(
        *(
            (status == literal_column(f"'{each}'", Text), literal_column(str(place), Integer))
            for each, place in STATUS_ORDINALS.items()
        )
    )


def roles_allowed(
    policy: ColumnElement[int], source: ColumnElement[int], target: OrdinalOrBind
) -> ColumnElement[int]:
    """Return the actor bits of which any one will do; source and target are ordinals."""
    pair = source * literal_column(str(len(Status))) + target
    shift = (pair * literal_column(str(ROLE_BITS_WIDTH))).cast(Integer)
    return policy.bitwise_rshift(shift).bitwise_and(literal_column(str(ROLE_MASK)))


def permits(
    policy: ColumnElement[int],
    source: ColumnElement[int],
    target: OrdinalOrBind,
    actor: ColumnElement[int],
) -> ColumnElement[bool]:
    """Return whether an actor of these bits may make the transition; the twin of `permits`."""
    return roles_allowed(policy, source, target).bitwise_and(actor) != literal_column("0")


def actor_bits(
    requester: ColumnElement[str | None],
    assignee: ColumnElement[str | None],
    actor: BindParameter[str],
    admin_bit: BindParameter[int],
) -> ColumnElement[int]:
    """Return what an actor is towards a ticket; the twin of `Actor.roles_towards`."""
    held = held_if(assignee, actor, ActorRoles.ASSIGNEE)
    return held.bitwise_or(held_if(requester, actor, ActorRoles.REQUESTER)).bitwise_or(admin_bit)


def held_if(
    person: ColumnElement[str | None], actor: BindParameter[str], role: ActorRoles
) -> ColumnElement[int]:
    """Return the bit of a role if the actor is that person, else 0."""
    return case((person == actor, literal_column(str(int(role)))), else_=literal_column("0"))
