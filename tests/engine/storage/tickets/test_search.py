"""Pages of tickets contain the same as plain Python code finds, for any filter and order."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any, TypeVar

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import InvalidInput
from engine.storage.postgres.database import Database, open_database
from engine.storage.postgres.statements import Statement
from engine.storage.tickets.filters import CONDITIONS, Conditions, conditions_of
from engine.storage.tickets.search import (
    Page,
    PageShape,
    count_matching_tickets,
    count_up_to,
    find_tickets,
    page_statement,
)
from engine.storage.tickets.writer import CHANGED_COLUMNS, UPDATE_TICKET
from engine.tickets.actor import Actor
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
from tests.support.listed_tickets import (
    GROUPS,
    USER_IDS,
    WORDS,
    WORKFLOWS,
    change_randomly,
    find_in_python,
    random_tickets,
    set_due_times,
    write_tickets,
)
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER
from tests.support.ticket_examples import NOON

T = TypeVar("T")

TICKETS = 150
DELETE_TICKETS = "DELETE FROM ticket_search; DELETE FROM tickets"

WORD = st.sampled_from([each.lower() for each in WORDS])
SEARCHES = st.one_of(
    WORD,
    WORD.map(str.upper),
    st.builds("{} {}".format, WORD, WORD),
    st.builds("{} -{}".format, WORD, WORD),
    st.builds("{} or {}".format, WORD, WORD),
    st.builds('"{} {}"'.format, WORD, WORD),
)
TIMES = st.integers(-1, 12).map(lambda minutes: NOON + timedelta(minutes=minutes))
OPTIONAL_FLAG = st.sampled_from([True, False, None])


def some_of(values: Sequence[object]) -> st.SearchStrategy[list[object]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3)


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "status": some_of(tuple(Status)),
        "priority": some_of(tuple(Priority)),
        "workflow": some_of((*WORKFLOWS, "nothing")),
        "assignee": st.sampled_from(USER_IDS),
        "unassigned": OPTIONAL_FLAG,
        "requester": st.sampled_from(USER_IDS),
        "assignee_group": st.sampled_from(GROUPS),
        "created_since": TIMES,
        "created_before": TIMES,
        "updated_since": TIMES,
        "updated_before": TIMES,
        "text": SEARCHES,
        "assigned_to_me": OPTIONAL_FLAG,
        "opened_by_me": OPTIONAL_FLAG,
        "my_groups": OPTIONAL_FLAG,
        "movable_by_me": OPTIONAL_FLAG,
    },
).map(lambda wanted: TicketFilter.parse(**wanted))
REQUESTS = st.builds(
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
    """A database for many examples.

    Attributes:
        owner: a connection of its owner, which can delete tickets.

    """

    runner: asyncio.Runner
    database: Database
    owner: asyncpg.Connection

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)


async def read_all_pages(
    database: Database, conditions: Conditions, request: PageRequest, viewer: Viewer = SYSTEM_VIEWER
) -> list[Ticket]:
    """Return the tickets of all pages."""
    seen: list[Ticket] = []
    while True:
        page = await find_tickets(database, viewer, conditions, request)
        assert len(page.tickets) == request.size or not page.has_more
        seen = [*page.tickets, *seen] if request.from_end else [*seen, *page.tickets]
        if not page.has_more:
            return seen
        request = next_request(request, page)


def next_request(request: PageRequest, page: Page) -> PageRequest:
    """Return the request for the next page."""
    edge = page.cursors[0 if request.from_end else -1]
    if request.from_end:
        return PageRequest(request.size, request.order, before=edge, from_end=True)
    return PageRequest(request.size, request.order, after=edge)


@pytest.fixture
def finder(database_url: str, owner_url: str) -> Iterator[Finder]:
    with asyncio.Runner() as runner:
        opening, connecting = open_database(database_url, 2), asyncpg.connect(owner_url)
        owner = runner.run(connecting)
        yield Finder(runner, runner.run(opening.__aenter__()), owner)
        runner.run(opening.__aexit__(None, None, None))
        runner.run(owner.close())


def test_any_filter_and_order_returns_the_same_as_plain_python(finder: Finder) -> None:
    tickets = random_tickets(Random(1), range(TICKETS))  # noqa: S311  # reproducible
    finder.run(write_tickets(finder.database, tickets))
    due_times = finder.run(set_due_times(finder.database, tickets, Random(2)))  # noqa: S311

    @in_one_database
    @given(FILTERS, VIEWERS, REQUESTS)
    def check(wanted: TicketFilter, viewer: Viewer, request: PageRequest) -> None:
        every = find_in_python(tickets, wanted, viewer.actor, request.order, due_times)
        expected = [each for each in every if can_read(each, viewer)]
        conditions = conditions_of(wanted, viewer.actor)
        assert finder.run(read_all_pages(finder.database, conditions, request, viewer)) == expected
        counting = count_matching_tickets(finder.database, viewer, conditions)
        assert finder.run(counting) == len(expected)
        bounded = count_up_to(finder.database, viewer, conditions, 5)
        assert finder.run(bounded) == min(len(expected), 5)

    check()


def test_pages_contain_each_unchanged_ticket_once_while_others_change(finder: Finder) -> None:
    @settings(in_one_database, max_examples=60)
    @given(REQUESTS, st.randoms(use_true_random=False))
    def check(request: PageRequest, chance: Random) -> None:
        finder.run(finder.owner.execute(DELETE_TICKETS))
        finder.run(read_pages_while_tickets_change(finder.database, request, chance))

    check()


async def read_pages_while_tickets_change(
    database: Database, request: PageRequest, chance: Random
) -> None:
    tickets = {each.id: each for each in random_tickets(chance, range(20))}
    await write_tickets(database, tickets.values())
    await set_due_times(database, tickets.values(), chance)
    unchanged, seen = set(tickets), []
    request = replace(request, size=1 + request.size % 5)
    while True:
        page = await find_tickets(database, SYSTEM_VIEWER, {}, request)
        seen += [each.id for each in page.tickets]
        if not page.has_more:
            break
        request = next_request(request, page)
        moved = change_randomly(tickets[chance.choice(list(tickets))], chance)
        unchanged.discard(moved.id)
        await overwrite(database, moved)
        await write_tickets(database, random_tickets(chance, [100 + len(seen)]))
    assert sorted(each for each in seen if each in unchanged) == sorted(unchanged)


async def overwrite(database: Database, ticket: Ticket) -> None:
    """Overwrite the columns of a ticket."""
    columns = ticket._asdict() | {"head_digest": b""}
    values = {f"new_{name}": columns[name] for name in CHANGED_COLUMNS}
    await database.rows(UPDATE_TICKET, updated_ticket=ticket.id, grace_period_start=None, **values)


async def test_a_page_between_two_cursors_excludes_both(database: Database) -> None:
    tickets = random_tickets(Random(2), range(9))  # noqa: S311  # reproducible
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


SLA_EXAMPLES: dict[str, tuple[str, dict[str, object], int]] = {
    "no SLA targets, with a breach": ("version = 1", {"breached": True}, 0),
    "no SLA targets, without a breach": ("version = 1", {"breached": False}, 1),
    "a response that is late": ("response_breached = true", {"breached": True}, 1),
    "a resolution that is late": ("resolution_breached = true", {"breached": True}, 1),
    "late, and excluded": ("resolution_breached = true", {"breached": False}, 0),
    "due soon": ("next_due_at = now() + interval '1 hour'", {"due_within": "2h"}, 1),
    "due later": ("next_due_at = now() + interval '1 hour'", {"due_within": "30m"}, 0),
    "overdue, but not recorded": ("next_due_at = now() - interval '1s'", {"due_within": "1s"}, 1),
    "never due": ("next_due_at = null", {"due_within": "1d"}, 0),
}


@pytest.mark.parametrize(("assignment", "wanted", "found"), SLA_EXAMPLES.values(), ids=SLA_EXAMPLES)
async def test_tickets_are_found_by_sla_breaches_and_due_times(
    database: Database, assignment: str, wanted: dict[str, object], found: int
) -> None:
    [ticket] = random_tickets(Random(3), [1])  # noqa: S311  # reproducible
    await write_tickets(database, [ticket])
    await database.rows(Statement(f"UPDATE tickets SET {assignment}", (), {}))  # noqa: S608  # as above
    conditions = conditions_of(TicketFilter.parse(**wanted), ANNA)
    assert await count_matching_tickets(database, SYSTEM_VIEWER, conditions) == found


INVALID_FILTERS: dict[str, dict[str, object]] = {
    "an empty list": {"status": []},
    "a list that is too long": {"workflow": ["w"] * 101},
    "an unknown status": {"status": ["DONE"]},
    "no text": {"text": "  "},
    "a text of punctuation": {"text": "?! <-> ' -"},
    "a text that is too long": {"text": "x" * 501},
    "a text that PostgreSQL cannot store": {"text": "a\0b"},
    "half a character": {"requester": "\ud83d"},
    "the actor of automatic events": {"assignee": "system"},
    "a timestamp without time zone": {"created_since": NOON.replace(tzinfo=None)},
    "an invalid duration": {"due_within": "soon"},
    "an unknown field": {"colour": "red"},
}


@pytest.mark.parametrize("wanted", INVALID_FILTERS.values(), ids=INVALID_FILTERS)
def test_an_invalid_filter_is_refused(wanted: dict[str, object]) -> None:
    with pytest.raises(InvalidInput) as refused:
        TicketFilter.parse(**wanted)
    assert refused.value.details["problems"]


def test_a_statement_has_only_the_conditions_in_use_and_is_compiled_once() -> None:
    wanted = TicketFilter.parse(status=["OPEN"], assigned_to_me=True, text="vpn")
    shape = shape_of(wanted)
    assert shape.conditions == {"live", "status", "me_as_assignee", "text_found"}
    statement = page_statement(shape)
    assert set(statement.parameters) == {"status", "me_as_assignee", "text_found", "rows"}
    same = TicketFilter.parse(status=["RESOLVED"], assigned_to_me=True, text="printer")
    assert page_statement(shape_of(same)) is statement


def shape_of(wanted: TicketFilter) -> PageShape:
    conditions = frozenset(conditions_of(wanted, MARTON))
    return PageShape(conditions, NEWEST_FIRST, frozenset(), from_end=False)


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_has_only_its_own_parameter(name: str) -> None:
    shape = PageShape(frozenset({name}), NEWEST_FIRST, frozenset(), from_end=False)
    assert set(page_statement(shape).parameters) <= {name, "rows"}
