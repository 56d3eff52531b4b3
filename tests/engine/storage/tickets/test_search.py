"""Finding tickets: any filter and order gives what the most obvious Python gives, page by page."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from engine.errors import InvalidInput
from engine.storage.postgres.database import Database, open_database
from engine.storage.postgres.statements import Statement
from engine.storage.tickets.filters import CONDITIONS, Conditions, conditions_of
from engine.storage.tickets.search import (
    PageShape,
    count_matching_tickets,
    find_tickets,
    page_statement,
)
from engine.storage.tickets.store import TicketStore
from engine.storage.tickets.writer import CHANGED_COLUMNS, UPDATE_TICKET
from engine.tickets.actor import Actor
from engine.tickets.commands import UpdateTicket
from engine.tickets.permissions import can_read
from engine.tickets.search import (
    NEWEST_FIRST,
    Direction,
    Order,
    OrderField,
    PageRequest,
    TicketFilter,
)
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER, Viewer
from engine.vocabulary import Priority, Status, Visibility
from tests.support.concurrent_changes import open_ticket
from tests.support.listed_tickets import (
    GROUPS,
    PEOPLE,
    WORDS,
    WORKFLOWS,
    changed,
    naive,
    some_tickets,
    write_tickets,
)
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER
from tests.support.ticket_examples import NOON

T = TypeVar("T")

TICKETS = 150
NO_TICKETS = (
    Statement.of(text("DELETE FROM ticket_search")),
    Statement.of(text("DELETE FROM tickets")),
)

WORD = st.sampled_from([each.lower() for each in WORDS])
SEARCHES = st.one_of(
    WORD,
    WORD.map(str.upper),
    st.builds("{} {}".format, WORD, WORD),
    st.builds("{} -{}".format, WORD, WORD),
    st.builds("{} or {}".format, WORD, WORD),
    st.builds('"{} {}"'.format, WORD, WORD),
)
MOMENTS = st.integers(-1, 12).map(lambda minutes: NOON + timedelta(minutes=minutes))
TRUE_OR_NOT = st.sampled_from([True, False, None])


def some_of(values: Sequence[object]) -> st.SearchStrategy[list[object]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3)


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "status": some_of(tuple(Status)),
        "priority": some_of(tuple(Priority)),
        "workflow": some_of((*WORKFLOWS, "nothing")),
        "assignee": st.sampled_from(PEOPLE),
        "unassigned": TRUE_OR_NOT,
        "requester": st.sampled_from(PEOPLE),
        "assignee_group": st.sampled_from(GROUPS),
        "created_since": MOMENTS,
        "created_before": MOMENTS,
        "updated_since": MOMENTS,
        "updated_before": MOMENTS,
        "text": SEARCHES,
        "assigned_to_me": TRUE_OR_NOT,
        "opened_by_me": TRUE_OR_NOT,
        "my_groups": TRUE_OR_NOT,
    },
).map(lambda wanted: TicketFilter.parse(**wanted))
PARTS = st.builds(
    PageRequest,
    size=st.integers(4, 60),
    order=st.builds(Order, st.sampled_from(OrderField), st.sampled_from(Direction)),
    from_end=st.booleans(),
)
ACTORS = st.sampled_from(
    [
        ANNA,
        MARTON,
        ADA,
        OUTSIDER,
        Actor("u_b1", "Anna K.", frozenset({"payment-team", "network-team"})),
    ]
)
VIEWERS = st.builds(Viewer, ACTORS, st.sampled_from(Visibility))
in_one_database = settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))


@dataclass
class Finder:
    """A database to run examples in, one after the other."""

    runner: asyncio.Runner
    database: Database

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)


async def walked(
    database: Database, conditions: Conditions, part: PageRequest, viewer: Viewer = SYSTEM_VIEWER
) -> list[Ticket]:
    """Return a list, put together from its pages."""
    seen: list[Ticket] = []
    while True:
        page = await find_tickets(database, viewer, conditions, part)
        assert len(page.tickets) == part.size or not page.has_more
        seen = [*page.tickets, *seen] if part.from_end else [*seen, *page.tickets]
        if not page.has_more:
            return seen
        part = next_part(part, page.tickets)


def next_part(part: PageRequest, seen: Sequence[Ticket]) -> PageRequest:
    """Return the part that a client asks for next."""
    edge = part.order.cursor_of(seen[0] if part.from_end else seen[-1])
    if part.from_end:
        return PageRequest(part.size, part.order, before=edge, from_end=True)
    return PageRequest(part.size, part.order, after=edge)


@pytest.fixture
def finder(database_url: str) -> Iterator[Finder]:
    with asyncio.Runner() as runner:
        opening = open_database(database_url, 2)
        yield Finder(runner, runner.run(opening.__aenter__()))
        runner.run(opening.__aexit__(None, None, None))


def test_any_filter_and_order_finds_what_the_obvious_way_finds(finder: Finder) -> None:
    tickets = some_tickets(Random(1), range(TICKETS))  # noqa: S311  # the same every time
    finder.run(write_tickets(finder.database, tickets))

    @in_one_database
    @given(FILTERS, VIEWERS, PARTS)
    def check(wanted: TicketFilter, viewer: Viewer, part: PageRequest) -> None:
        every = naive(tickets, wanted, viewer.actor, part.order)
        expected = [each for each in every if can_read(each, viewer)]
        conditions = conditions_of(wanted, viewer.actor)
        assert finder.run(walked(finder.database, conditions, part, viewer)) == expected
        counting = count_matching_tickets(finder.database, viewer, conditions)
        assert finder.run(counting) == len(expected)

    check()


def test_a_walk_neither_skips_nor_repeats_a_ticket_that_does_not_change(finder: Finder) -> None:
    @settings(in_one_database, max_examples=60)
    @given(PARTS, st.randoms(use_true_random=False))
    def check(part: PageRequest, chance: Random) -> None:
        finder.run(walk_while_tickets_change(finder.database, part, chance))

    check()


async def walk_while_tickets_change(database: Database, part: PageRequest, chance: Random) -> None:
    for statement in NO_TICKETS:
        await database.rows(statement)
    tickets = {each.id: each for each in some_tickets(chance, range(20))}
    await write_tickets(database, tickets.values())
    steady, seen = set(tickets), []
    part = replace(part, size=1 + part.size % 5)
    while True:
        page = await find_tickets(database, SYSTEM_VIEWER, {}, part)
        seen += [each.id for each in page.tickets]
        if not page.has_more:
            break
        part = next_part(part, page.tickets)
        moved = changed(tickets[chance.choice(list(tickets))], chance)
        steady.discard(moved.id)
        await rewrite(database, moved)
        await write_tickets(database, some_tickets(chance, [100 + len(seen)]))
    assert sorted(each for each in seen if each in steady) == sorted(steady)


async def rewrite(database: Database, ticket: Ticket) -> None:
    """Put a ticket into another state, whatever it was in."""
    columns = ticket._asdict() | {"head_digest": b""}
    values = {f"new_{name}": columns[name] for name in CHANGED_COLUMNS}
    await database.rows(UPDATE_TICKET, updated_ticket=ticket.id, grace_period_start=None, **values)


async def test_a_part_between_two_places_has_neither(database: Database) -> None:
    tickets = some_tickets(Random(2), range(9))  # noqa: S311  # the same every time
    await write_tickets(database, tickets)
    every = (await find_tickets(database, SYSTEM_VIEWER, {}, PageRequest(9))).tickets
    first, last = (NEWEST_FIRST.cursor_of(each) for each in (every[1], every[7]))
    middle = await find_tickets(
        database, SYSTEM_VIEWER, {}, PageRequest(3, after=first, before=last)
    )
    assert (middle.tickets, middle.has_more) == (every[2:5], True)
    end = await find_tickets(
        database, SYSTEM_VIEWER, {}, PageRequest(3, after=first, before=last, from_end=True)
    )
    assert (end.tickets, end.has_more) == (every[4:7], True)


async def test_words_follow_an_edit(store: TicketStore, database: Database) -> None:
    ticket = await open_ticket(store, title="Übung macht den Meister: E-42/7")
    assert await found_by(database, "übung e-42/7") == [ticket.id]
    assert await found_by(database, "meist") == []
    await store.update(ANNA, UpdateTicket.parse(ticket=ticket.id, description="payments"))
    assert await found_by(database, "payments meister") == [ticket.id]
    await store.update(ANNA, UpdateTicket.parse(ticket=ticket.id, title="Solved"))
    assert await found_by(database, "meister") == []


@pytest.mark.parametrize("text", ["'", '"', "-", "or", "a & | ! <-> b:*", "\\", "%", "🙂", "$1"])
async def test_a_search_takes_any_text(store: TicketStore, database: Database, text: str) -> None:
    await open_ticket(store)
    assert await found_by(database, text) in ([], [(await listed(database))[0].id])


async def found_by(database: Database, words: str) -> list[str]:
    conditions = conditions_of(TicketFilter.parse(text=words), ANNA)
    return [
        each.id
        for each in (
            await find_tickets(database, SYSTEM_VIEWER, conditions, PageRequest(10))
        ).tickets
    ]


async def listed(database: Database) -> Sequence[Ticket]:
    return (await find_tickets(database, SYSTEM_VIEWER, {}, PageRequest(10))).tickets


SLA_EXAMPLES: dict[str, tuple[str, dict[str, object], int]] = {
    "no SLA targets, with a breach": ("version = 1", {"breached": True}, 0),
    "no SLA targets, without a breach": ("version = 1", {"breached": False}, 1),
    "a response that is late": ("response_breached = true", {"breached": True}, 1),
    "a resolution that is late": ("resolution_breached = true", {"breached": True}, 1),
    "late, and not asked for": ("resolution_breached = true", {"breached": False}, 0),
    "due soon": ("next_due_at = now() + interval '1 hour'", {"due_within": "2h"}, 1),
    "due later": ("next_due_at = now() + interval '1 hour'", {"due_within": "30m"}, 0),
    "overdue, but not noted": ("next_due_at = now() - interval '1s'", {"due_within": "1s"}, 1),
    "never due": ("next_due_at = null", {"due_within": "1d"}, 0),
}


@pytest.mark.parametrize(("standing", "wanted", "found"), SLA_EXAMPLES.values(), ids=SLA_EXAMPLES)
async def test_tickets_are_found_by_sla_breaches_and_due_times(
    database: Database, standing: str, wanted: dict[str, object], found: int
) -> None:
    [ticket] = some_tickets(Random(3), [1])  # noqa: S311  # the same every time
    await write_tickets(database, [ticket])
    await database.rows(Statement(f"UPDATE tickets SET {standing}", (), {}))  # noqa: S608  # as above
    conditions = conditions_of(TicketFilter.parse(**wanted), ANNA)
    assert await count_matching_tickets(database, SYSTEM_VIEWER, conditions) == found


NO_FILTERS: dict[str, dict[str, object]] = {
    "an empty list": {"status": []},
    "a list that is too long": {"workflow": ["w"] * 101},
    "an unknown status": {"status": ["DONE"]},
    "no text": {"text": "  "},
    "a text that is too long": {"text": "x" * 201},
    "a text that PostgreSQL can't store": {"text": "a\0b"},
    "half a character": {"requester": "\ud83d"},
    "the actor of automatic events": {"assignee": "system"},
    "a moment of no place": {"created_since": NOON.replace(tzinfo=None)},
    "a time that is none": {"due_within": "soon"},
    "something else": {"colour": "red"},
}


@pytest.mark.parametrize("wanted", NO_FILTERS.values(), ids=NO_FILTERS)
def test_a_filter_that_can_mean_nothing_is_refused(wanted: dict[str, object]) -> None:
    with pytest.raises(InvalidInput) as refused:
        TicketFilter.parse(**wanted)
    assert refused.value.details["problems"]


def test_a_statement_holds_the_conditions_in_use_only_and_is_compiled_once() -> None:
    wanted = TicketFilter.parse(status=["OPEN"], assigned_to_me=True, text="vpn")
    shape = shape_of(wanted)
    assert shape.conditions == {"live", "status", "me_as_assignee", "text"}
    statement = page_statement(shape)
    assert set(statement.parameters) == {"status", "me_as_assignee", "text", "rows"}
    same = TicketFilter.parse(status=["RESOLVED"], assigned_to_me=True, text="printer")
    assert page_statement(shape_of(same)) is statement


def shape_of(wanted: TicketFilter) -> PageShape:
    conditions = frozenset(conditions_of(wanted, MARTON))
    return PageShape(conditions, NEWEST_FIRST, frozenset(), from_end=False)


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_has_no_parameter_but_its_own(name: str) -> None:
    shape = PageShape(frozenset({name}), NEWEST_FIRST, frozenset(), from_end=False)
    assert set(page_statement(shape).parameters) <= {name, "rows"}
