"""What a filter means in SQL: one condition a line, and only those in use enter a statement."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Interval,
    Text,
    bindparam,
    func,
    literal_column,
)

from engine.storage.postgres.tables import URGENCY, ticket_search, tickets
from engine.tickets.actor import Actor
from engine.tickets.search import TicketFilter
from engine.vocabulary import Status

T = TypeVar("T")

Conditions: TypeAlias = dict[str, object]
"""The names of conditions, each with the value of its parameter."""

SEARCH_LANGUAGE: Final[ColumnElement[str]] = literal_column("'simple'")
CLOSED: Final[ColumnElement[str]] = literal_column(f"'{Status.CLOSED}'")
BREACHED: Final = tickets.c.response_breached | tickets.c.resolution_breached


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that a filter can ask for.

    Attributes:
        name: also that of its parameter, if it has one.
        value: what the filter asks for; None if it does not ask.

    """

    name: str
    clause: ColumnElement[bool]
    value: Callable[[TicketFilter, Actor], object]


def the_one(values: Collection[T] | None) -> T | None:
    """Return the only value: to be equal to it, an index can serve in order."""
    return next(iter(values)) if values is not None and len(values) == 1 else None


def several(values: Collection[T] | None) -> Sequence[T] | None:
    """Return the values if they are not just one."""
    return None if values is None or len(values) == 1 else list(values)


def within(column: ColumnElement[T], name: str) -> ColumnElement[bool]:
    """Return the condition that a column has one of several values."""
    kind = Integer() if isinstance(column.type, Integer) else Text()
    return column == func.any(bindparam(name, type_=ARRAY(kind)))


def urgencies(wanted: TicketFilter) -> list[int] | None:
    """Return the wanted priorities as their index has them."""
    return [each.urgency for each in wanted.priority] if wanted.priority else None


def only_live(wanted: TicketFilter) -> bool | None:
    """Return True if no CLOSED ticket is wanted, which the index of live tickets must be told."""
    return True if wanted.status and Status.CLOSED not in wanted.status else None


def groups_of(wanted: TicketFilter, actor: Actor) -> list[str] | None:
    """Return the groups of the actor, if their tickets are wanted."""
    return sorted(actor.groups) if wanted.my_groups else None


CONDITIONS: Final = {
    condition.name: condition
    for condition in (
        Condition("live", tickets.c.status != CLOSED, lambda f, _: only_live(f)),
        Condition(
            "status", tickets.c.status == bindparam("status"), lambda f, _: the_one(f.status)
        ),
        Condition("statuses", within(tickets.c.status, "statuses"), lambda f, _: several(f.status)),
        Condition(
            "urgency",
            bindparam("urgency", type_=Integer) == URGENCY,
            lambda f, _: the_one(urgencies(f)),
        ),
        Condition("urgencies", within(URGENCY, "urgencies"), lambda f, _: several(urgencies(f))),
        Condition(
            "workflow",
            tickets.c.workflow == bindparam("workflow"),
            lambda f, _: the_one(f.workflow),
        ),
        Condition(
            "workflows", within(tickets.c.workflow, "workflows"), lambda f, _: several(f.workflow)
        ),
        Condition("assignee", tickets.c.assignee == bindparam("assignee"), lambda f, _: f.assignee),
        Condition(
            "me_as_assignee",
            tickets.c.assignee == bindparam("me_as_assignee"),
            lambda f, actor: actor.id if f.assigned_to_me else None,
        ),
        Condition("unassigned", tickets.c.assignee.is_(None), lambda f, _: f.unassigned or None),
        Condition(
            "requester", tickets.c.requester == bindparam("requester"), lambda f, _: f.requester
        ),
        Condition(
            "me_as_requester",
            tickets.c.requester == bindparam("me_as_requester"),
            lambda f, actor: actor.id if f.opened_by_me else None,
        ),
        Condition(
            "assignee_group",
            tickets.c.assignee_group == bindparam("assignee_group"),
            lambda f, _: f.assignee_group,
        ),
        Condition(
            "my_group",
            tickets.c.assignee_group == bindparam("my_group"),
            lambda f, actor: the_one(groups_of(f, actor)),
        ),
        Condition(
            "my_groups",
            within(tickets.c.assignee_group, "my_groups"),
            lambda f, actor: several(groups_of(f, actor)),
        ),
        Condition("service", tickets.c.service == bindparam("service"), lambda f, _: f.service),
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
        Condition("breached", BREACHED, lambda f, _: True if f.breached else None),
        Condition("unbreached", ~BREACHED, lambda f, _: True if f.breached is False else None),
        Condition(
            "due_within",
            tickets.c.next_due_at <= func.now() + bindparam("due_within", type_=Interval),
            lambda f, _: f.due_within,
        ),
        Condition(
            "text",
            ticket_search.c.words.bool_op("@@")(
                func.websearch_to_tsquery(SEARCH_LANGUAGE, bindparam("text", type_=Text))
            ),
            lambda f, _: f.text,
        ),
    )
}


def conditions_of(wanted: TicketFilter, actor: Actor) -> Conditions:
    """Return what a filter asks for, when this actor fills it in."""
    asked = {name: each.value(wanted, actor) for name, each in CONDITIONS.items()}
    return {name: value for name, value in asked.items() if value is not None}
