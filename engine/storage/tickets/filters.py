"""The conditions of a ticket filter in SQL. A statement contains only those in use.

The conditions on texts are in `text_conditions`.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Interval,
    Text,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)

from engine.storage.postgres.tables import URGENCY, tickets, workflows
from engine.storage.tickets.policy_sql import actor_bits, ordinal, permits_any
from engine.storage.tickets.text_conditions import conditions_of_text
from engine.tickets.actor import Actor
from engine.tickets.search import TicketFilter
from engine.vocabulary import NO_ROLES, ActorRoles, Status

Conditions: TypeAlias = dict[str, object]
"""The names of conditions, each with the value of its parameter."""
IS_DUE: Final = "is_due"
"""The name of the condition that an SLA target is due some time."""
IS_NOT_DUE: Final = "is_not_due"
_Value: TypeAlias = Callable[[TicketFilter, Actor], Any]
"""Returns the value of a condition's parameter; None if the filter does not use the condition."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition; its parameter, if it has one, has the same name."""

    name: str
    clause: ColumnElement[bool]
    value: _Value


def _equals(name: str, column: ColumnElement[Any], value: _Value) -> Condition:
    return Condition(name, column == bindparam(name), value)


def _one_or_many(
    one: str, many: str, column: ColumnElement[Any], values: _Value
) -> tuple[Condition, Condition]:
    """Return a condition for one value and one for several.

    With equality to a single value, an index can return the tickets in order.
    """
    kind = Integer() if isinstance(column.type, Integer) else Text()
    is_any = column == func.any(bindparam(many, type_=ARRAY(kind)))
    return (
        _equals(one, column, lambda f, actor: _only(values(f, actor))),
        Condition(many, is_any, lambda f, actor: _several(values(f, actor))),
    )


def _only(values: Collection[object] | None) -> object:
    return next(iter(values)) if values is not None and len(values) == 1 else None


def _several(values: Collection[object] | None) -> list[object] | None:
    return None if values is None or len(values) == 1 else list(values)


def _only_live(wanted: TicketFilter) -> bool | None:
    return True if wanted.status and Status.CLOSED not in wanted.status else None


def _urgencies(wanted: TicketFilter) -> list[int] | None:
    return [each.urgency for each in wanted.priority] if wanted.priority else None


def _movable_by_me(wanted: TicketFilter, actor: Actor, *, is_admin: bool) -> str | None:
    return actor.id if wanted.movable_by_me and actor.is_admin is is_admin else None


def _is_movable(actor: str, roles: ActorRoles) -> ColumnElement[bool]:
    """Return whether an actor can make any transition of a ticket, as the transition decides.

    Args:
        actor: the name of the parameter with the id of the actor.
        roles: what the actor is towards every ticket.

    """
    me = bindparam(actor, type_=Text)
    enforced = workflows.c.name == tickets.c.workflow, workflows.c.retired_at.is_(None)
    policy = select(workflows.c.policy).where(*enforced).scalar_subquery()
    bits = actor_bits(
        tickets.c.requester, tickets.c.assignee, me, literal_column(str(int(roles)), Integer)
    )
    return and_(_IS_LIVE, permits_any(policy, ordinal(tickets.c.status), bits))


_IS_LIVE: Final = tickets.c.status != literal_column(f"'{Status.CLOSED}'")
_BREACHED: Final = tickets.c.response_breached | tickets.c.resolution_breached
_DUE_BEFORE: Final = func.now() + bindparam("due_within", type_=Interval)

CONDITIONS: Final = {
    condition.name: condition
    for condition in (
        *_one_or_many("id", "ids", tickets.c.id, lambda _filter, _actor: None),
        # PostgreSQL uses the index of live tickets only if the statement repeats its condition.
        Condition("live", _IS_LIVE, lambda f, _: _only_live(f)),
        *_one_or_many("status", "statuses", tickets.c.status, lambda f, _: f.status),
        *_one_or_many("urgency", "urgencies", URGENCY, lambda f, _: _urgencies(f)),
        *_one_or_many("workflow", "workflows", tickets.c.workflow, lambda f, _: f.workflow),
        _equals("assignee", tickets.c.assignee, lambda f, _: f.assignee),
        _equals(
            "me_as_assignee",
            tickets.c.assignee,
            lambda f, actor: actor.id if f.assigned_to_me else None,
        ),
        Condition("unassigned", tickets.c.assignee.is_(None), lambda f, _: f.unassigned or None),
        _equals("requester", tickets.c.requester, lambda f, _: f.requester),
        _equals(
            "me_as_requester",
            tickets.c.requester,
            lambda f, actor: actor.id if f.opened_by_me else None,
        ),
        _equals("assignee_group", tickets.c.assignee_group, lambda f, _: f.assignee_group),
        *_one_or_many(
            "my_group",
            "my_groups",
            tickets.c.assignee_group,
            lambda f, actor: sorted(actor.groups) if f.my_groups else None,
        ),
        _equals("service", tickets.c.service, lambda f, _: f.service),
        Condition(
            "created_since",
            tickets.c.created_at >= bindparam("created_since"),
            lambda f, _: f.created_since,
        ),
        Condition(
            "created_before",
            tickets.c.created_at < bindparam("created_before"),
            lambda f, _: f.created_before,
        ),
        Condition(
            "updated_since",
            tickets.c.updated_at >= bindparam("updated_since"),
            lambda f, _: f.updated_since,
        ),
        Condition(
            "updated_before",
            tickets.c.updated_at < bindparam("updated_before"),
            lambda f, _: f.updated_before,
        ),
        Condition("breached", _BREACHED, lambda f, _: True if f.breached else None),
        Condition("unbreached", ~_BREACHED, lambda f, _: True if f.breached is False else None),
        # The indexes of users find the tickets on which the actor has a role.
        Condition(
            "movable_by_me",
            and_(
                or_(
                    tickets.c.requester == bindparam("movable_by_me", type_=Text),
                    tickets.c.assignee == bindparam("movable_by_me", type_=Text),
                ),
                _is_movable("movable_by_me", NO_ROLES),
            ),
            lambda f, actor: _movable_by_me(f, actor, is_admin=False),
        ),
        Condition(
            "movable_by_admin",
            _is_movable("movable_by_admin", ActorRoles.ADMIN),
            lambda f, actor: _movable_by_me(f, actor, is_admin=True),
        ),
        Condition(IS_DUE, tickets.c.next_due_at.is_not(None), lambda _filter, _actor: None),
        Condition(IS_NOT_DUE, tickets.c.next_due_at.is_(None), lambda _filter, _actor: None),
        Condition("due_within", tickets.c.next_due_at <= _DUE_BEFORE, lambda f, _: f.due_within),
    )
}


def conditions_of(wanted: TicketFilter, actor: Actor) -> Conditions:
    """Return the conditions that a filter uses when this actor sends it."""
    conditions = {
        name: value
        for name, condition in CONDITIONS.items()
        if (value := condition.value(wanted, actor)) is not None
    }
    return conditions if wanted.text is None else conditions | conditions_of_text(wanted.text)


def conditions_of_ids(ids: Collection[str]) -> Conditions:
    """Return the condition that a ticket is one of these."""
    return {"ids": list(ids)}
