"""Random tickets to search for, written without histories, so that any value is possible."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from types import MappingProxyType

from engine.declaration.defaults import default_workflows
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.tickets.sla_columns import NO_SLA_COLUMNS
from engine.storage.tickets.users import ensure_users
from engine.storage.tickets.writer import INSERT_TICKET
from engine.tickets.actor import Actor
from engine.tickets.search import NEWEST_FIRST, Direction, Order, OrderField, TicketFilter
from engine.tickets.search_texts import ticket_text
from engine.tickets.ticket import Ticket
from engine.vocabulary import Priority, Status
from engine.workflows.compiler import compile_workflow
from engine.workflows.policy import allowed_targets
from tests.support.ticket_examples import NOON, a_ticket

USER_IDS = ("u_b1", "u_c4", "u_a0")
GROUPS = ("payment-team", "network-team", None)
WORKFLOWS = ("incident_response", "service_request")
WORDS = ("Payments", "fail", "VPN", "down", "since", "noon")
_POLICIES = {each.name: compile_workflow(each).policy for each in default_workflows()}
QUERY = re.compile(r'"[^"]*"|\S+')


def random_tickets(chance: Random, numbers: Iterable[int]) -> list[Ticket]:
    return [_random_ticket(chance, number) for number in numbers]


def _random_ticket(chance: Random, number: int) -> Ticket:
    """Return a ticket with few possible values, so that tickets have much in common."""
    created_at = NOON + timedelta(minutes=chance.randrange(6))
    return a_ticket(
        id=f"tk_{chance.randrange(16**6):06x}{number:04x}",
        title=" ".join(chance.choices(WORDS, k=2)),
        description=" ".join(chance.choices(WORDS, k=chance.randrange(3))),
        status=chance.choice(tuple(Status)),
        priority=chance.choice(tuple(Priority)),
        workflow=chance.choice(WORKFLOWS),
        requester=chance.choice(USER_IDS),
        assignee=chance.choice((*USER_IDS, None)),
        assignee_group=chance.choice(GROUPS),
        created_at=created_at,
        updated_at=created_at + timedelta(minutes=chance.randrange(4)),
    )


async def write_tickets(database: Database, tickets: Iterable[Ticket]) -> None:
    async with database.transaction() as session:
        await ensure_users(session, *USER_IDS)
        more = NO_SLA_COLUMNS | {"head_digest": b"", "auto_close_from": None}
        rows = [each._asdict() | more | {"search_text": ticket_text(each).text} for each in tickets]
        await session.run_each(INSERT_TICKET, rows)


def find_in_python(
    tickets: Iterable[Ticket],
    wanted: TicketFilter,
    actor: Actor,
    order: Order,
    due_times: Mapping[str, datetime] = MappingProxyType({}),
) -> Sequence[Ticket]:
    """Return the tickets of a list, filtered and sorted in plain Python."""
    found = [each for each in tickets if _matches(each, wanted, actor)]
    is_descending = order.direction is Direction.DESC
    if order.field is not OrderField.DUE_AT:
        return sorted(found, key=order.cursor_of, reverse=is_descending)
    due = [each for each in found if each.id in due_times]
    due.sort(key=lambda ticket: (due_times[ticket.id], ticket.id), reverse=is_descending)
    others = [each for each in found if each.id not in due_times]
    return due + sorted(others, key=NEWEST_FIRST.cursor_of, reverse=True)


async def set_due_times(
    database: Database, tickets: Iterable[Ticket], chance: Random
) -> dict[str, datetime]:
    """Let an SLA target of every other ticket be due, some at the same time; return when."""
    due_times = {
        each.id: NOON + timedelta(minutes=chance.randrange(20))
        for each in tickets
        if chance.random() < 0.5
    }
    statement = Statement("UPDATE tickets SET next_due_at = $2 WHERE id = $1", ("id", "due"), {})
    for ticket, due in due_times.items():
        await database.rows(statement, id=ticket, due=due)
    return due_times


def _matches(ticket: Ticket, wanted: TicketFilter, actor: Actor) -> bool:
    return all(
        (
            wanted.matches_ticket(ticket, actor),
            wanted.created_since is None or ticket.created_at >= wanted.created_since,
            wanted.created_before is None or ticket.created_at < wanted.created_before,
            wanted.updated_since is None or ticket.updated_at >= wanted.updated_since,
            wanted.updated_before is None or ticket.updated_at < wanted.updated_before,
            wanted.text is None or _has_text(ticket, wanted.text),
            not wanted.movable_by_me or is_movable(ticket, actor),
        )
    )


def is_movable(ticket: Ticket, actor: Actor) -> bool:
    """Return whether the actor can make any transition of a ticket."""
    if ticket.status is Status.CLOSED:
        return False
    policy = _POLICIES[ticket.workflow]
    return bool(
        allowed_targets(policy, ticket.status, actor.roles_on(ticket.requester, ticket.assignee))
    )


def _has_text(ticket: Ticket, text: str) -> bool:
    """Return whether a ticket has the words of a search (with at most one `or`)."""
    words = f" {ticket.title} {ticket.description} ".lower()
    first, *rest = QUERY.findall(text.lower())
    if rest[:1] == ["or"]:
        return _has(words, first) or _has(words, rest[1])
    return all(_has(words, each) for each in (first, *rest))


def _has(words: str, term: str) -> bool:
    if term.startswith("-"):
        return not _has(words, term[1:])
    phrase = term.strip('"')
    return f" {phrase} " in words


def change_randomly(ticket: Ticket, chance: Random) -> Ticket:
    """Return a ticket after a random change."""
    return ticket._replace(
        status=chance.choice(tuple(Status)),
        priority=chance.choice(tuple(Priority)),
        assignee=chance.choice((*USER_IDS, None)),
        updated_at=ticket.updated_at + timedelta(minutes=1 + chance.randrange(5)),
    )
