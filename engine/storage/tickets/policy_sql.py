"""`engine.workflows.policy` in SQL, for the statement that makes a transition, and for lists."""

from sqlalchemy import ColumnElement, Integer, Text, case, literal_column
from sqlalchemy.sql.elements import BindParameter

from engine.vocabulary import STATUS_ORDINALS, ActorRoles, Status
from engine.workflows.policy import EVERY_TARGET, ROLE_BITS_WIDTH, ROLE_MASK, SOURCE_BITS


def ordinal(status: ColumnElement[str]) -> ColumnElement[int]:
    """Return the ordinal of a status in the layout of a policy."""
    return case(
        *(
            (status == literal_column(f"'{each}'", Text), literal_column(str(number), Integer))
            for each, number in STATUS_ORDINALS.items()
        )
    )


def permits(
    policy: ColumnElement[int],
    source: ColumnElement[int],
    target: ColumnElement[int] | BindParameter[int],
    actor: ColumnElement[int],
) -> ColumnElement[bool]:
    """Return whether an actor with these bits can make the transition, as `policy.permits` does.

    Source and target are ordinals.
    """
    pair = source * literal_column(str(len(Status))) + target
    shift = (pair * literal_column(str(ROLE_BITS_WIDTH))).cast(Integer)
    roles_allowed = policy.bitwise_rshift(shift).bitwise_and(literal_column(str(ROLE_MASK)))
    return roles_allowed.bitwise_and(actor) != literal_column("0")


def permits_any(
    policy: ColumnElement[int], source: ColumnElement[int], actor: ColumnElement[int]
) -> ColumnElement[bool]:
    """Return whether an actor with these bits can move a ticket, as `policy.permits_any` does."""
    shift = (source * literal_column(str(SOURCE_BITS))).cast(Integer)
    at_every_target = actor * literal_column(str(EVERY_TARGET))
    return policy.bitwise_rshift(shift).bitwise_and(at_every_target) != literal_column("0")


def actor_bits(
    requester: ColumnElement[str | None],
    assignee: ColumnElement[str | None],
    actor: BindParameter[str],
    admin_bit: ColumnElement[int],
) -> ColumnElement[int]:
    """Return the roles of an actor towards a ticket, as `Actor.roles_on` does."""

    def bit_if_actor(user: ColumnElement[str | None], role: ActorRoles) -> ColumnElement[int]:
        return case((user == actor, literal_column(str(int(role)))), else_=literal_column("0"))

    bits = bit_if_actor(assignee, ActorRoles.ASSIGNEE)
    return bits.bitwise_or(bit_if_actor(requester, ActorRoles.REQUESTER)).bitwise_or(admin_bit)
