"""What a search finds in titles, descriptions, comments and internal notes, and who finds it."""

import asyncio
from collections.abc import Iterator
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.storage.postgres.database import Database, open_database
from engine.storage.tickets.audit import audit_search
from engine.storage.tickets.filters import conditions_of
from engine.storage.tickets.search import count_matching_tickets, find_tickets
from engine.storage.tickets.search_texts import write_texts
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import AssignTicket, CommentTicket, UpdateTicket
from engine.tickets.search import PageRequest, TicketFilter
from engine.tickets.search_texts import SearchText, stored_words
from engine.tickets.search_words import words_of
from engine.tickets.text_search import Term, parse_text_search
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import Viewer
from engine.vocabulary import Visibility
from tests.support.concurrent_changes import open_ticket, pick_up
from tests.support.listed_tickets import write_tickets
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER
from tests.support.ticket_examples import a_ticket

FOUND: dict[str, tuple[str, str]] = {
    "a pasted URL": (
        "See https://wiki.example.net/a/b?x=1 for help",
        "https://wiki.example.net/a/b?x=1",
    ),
    "a part of a URL": ("See https://wiki.example.net/a/b?x=1 for help", "example.net/a"),
    "a word between angle brackets": ("Install <GnuWord> again", "gnuword"),
    "angle brackets": ("Install GnuWord again", "<GnuWord>"),
    "the words after a tag": ("<script>alert(1)</script> breaks the page", "breaks page"),
    "NFC in NFD": ("re\u0301sume\u0301 is lost", "r\u00e9sum\u00e9"),
    "NFD in NFC": ("r\u00e9sum\u00e9 is lost", "re\u0301sume\u0301"),
    "full width": ("\uff36\uff30\uff2e \uff44\uff4f\uff57\uff4e", "vpn"),
    "a part of Chinese text": ("订单支付失败请处理", "支付"),
    "one character of Chinese text": ("订单支付失败请处理", "理"),
    "the end of Chinese text": ("订单支付失败请处理", "请处理"),
    "a part of Japanese text": ("プリンターが動きません", "動き"),
    "a part of Thai text": ("เครื่องพิมพ์ไม่ทำงาน", "พิมพ์"),
    "a part of Korean text": ("프린터가고장", "고장"),
    "a host name": ("server-01.example.com is down", "server-01"),
    "a part of a host name": ("server-01.example.com is down", "example.com"),
    "a file": ("/var/log/app.log is full", "app.log"),
    "a part of a path": (r"C:\Windows\System32\drivers", r"windows\system"),
    "a part of a code": ("ORA-00942: table does not exist", "00942"),
    "a code": ("ORA-00942: table does not exist", "ora-00942"),
    "a beginning": ("The printer burns", "print"),
    "the beginning of each word": ("The printer burns", "burn pri"),
    "a beginning of a part": ("server-01.example.com is down", "exam"),
    "an e-mail address": ("Mail from ada@example.com", "ada@example.com"),
    "an emoji": ("On 🔥 since noon", "🔥"),
    "a number": ("Costs 1e5 or -42", "42"),
    "a quoted beginning of Chinese": ("订单支付失败", '"订单"'),
    "a long word": (f"Token {'ab1' * 100} expired", "ab1" * 50),
}
NOT_FOUND: dict[str, tuple[str, str]] = {
    "the end of a word": ("The printer burns", "inter"),
    "a quoted beginning": ("The printer burns", '"print"'),
    "other words between": ("server example 01", "server-01"),
    "another order": ("支失付败", "支付"),
    "the beginning of a short word, before others": ("The printer burns", "pri burns"),
    "one of two words": ("The printer burns", "printer scanner"),
    "an excluded word": ("The printer burns", "printer -burn"),
}


async def found_by(database: Database, actor: Actor, text: str) -> list[str]:
    """Return the titles that a user finds; they are counted as well."""
    viewer = Viewer(actor, Visibility.EVERYONE)
    conditions = conditions_of(TicketFilter.parse(text=text), actor)
    page = await find_tickets(database, viewer, conditions, PageRequest(50))
    assert await count_matching_tickets(database, viewer, conditions) == len(page.tickets)
    return [each.title for each in page.tickets]


@pytest.mark.parametrize(("content", "text"), FOUND.values(), ids=FOUND)
async def test_a_text_is_found(
    store: TicketStore, database: Database, content: str, text: str
) -> None:
    await open_ticket(store, title="In the title", description=content)
    other = await open_ticket(store, title="In a comment")
    await store.comment(ANNA, CommentTicket.parse(ticket=other.id, text=content))
    await open_ticket(store, title="Nowhere")
    assert await found_by(database, OUTSIDER, text) == ["In a comment", "In the title"]


@pytest.mark.parametrize(("content", "text"), NOT_FOUND.values(), ids=NOT_FOUND)
async def test_a_text_is_not_found(
    store: TicketStore, database: Database, content: str, text: str
) -> None:
    await open_ticket(store, title=content)
    assert await found_by(database, OUTSIDER, text) == []


async def test_a_ticket_is_found_by_its_id_and_by_each_beginning_of_it(
    store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store, title="This")
    other = await open_ticket(store, title="Another", description=f"As in {ticket.id}.")
    await open_ticket(store, title="Words", description="tk 4f tk_printer")
    await store.comment(ANNA, CommentTicket.parse(ticket=other.id, text=ticket.id))
    for length in range(10, len(ticket.id) + 1):
        assert await found_by(database, OUTSIDER, ticket.id[:length]) == ["Another", "This"]
    assert await found_by(database, OUTSIDER, ticket.id.upper()) == ["Another", "This"]
    assert await found_by(database, OUTSIDER, ticket.id[3:]) == ["Another"]
    assert await found_by(database, OUTSIDER, f"as in {ticket.id}") == ["Another"]
    assert "This" in await found_by(database, OUTSIDER, ticket.id[:4])


async def test_all_words_must_be_in_one_text(store: TicketStore, database: Database) -> None:
    ticket = await open_ticket(store, title="Printer", description="burns")
    await store.comment(ANNA, CommentTicket.parse(ticket=ticket.id, text="on floor 3"))
    assert await found_by(database, OUTSIDER, "printer burns") == ["Printer"]
    assert await found_by(database, OUTSIDER, "floor on") == ["Printer"]
    assert await found_by(database, OUTSIDER, "printer floor") == []
    assert await found_by(database, OUTSIDER, "printer or floor") == ["Printer"]
    assert await found_by(database, OUTSIDER, "printer -floor") == []


async def test_an_edit_replaces_the_text(store: TicketStore, database: Database) -> None:
    ticket = await open_ticket(store, title="Übung macht den Meister: E-42/7")
    await store.comment(ANNA, CommentTicket.parse(ticket=ticket.id, text="Danke"))
    assert await found_by(database, ANNA, "übung e-42/7") == [ticket.title]
    await store.update(ANNA, UpdateTicket.parse(ticket=ticket.id, description="payments"))
    assert await found_by(database, ANNA, "payments meister") == [ticket.title]
    await store.update(ANNA, UpdateTicket.parse(ticket=ticket.id, title="Solved"))
    assert await found_by(database, ANNA, "meister") == []
    assert await found_by(database, ANNA, "danke") == ["Solved"]


@pytest.mark.parametrize("internal", [False, True])
async def test_the_comment_of_a_transition_is_found(
    store: TicketStore, database: Database, *, internal: bool
) -> None:
    ticket = await open_ticket(store, title="Fraud")
    more = {"comment": "as in case-7", "internal": internal}
    await pick_up(store, ticket, **more)
    assert await found_by(database, MARTON, "case-7") == ["Fraud"]
    assert await found_by(database, ANNA, "case-7") == ([] if internal else ["Fraud"])
    async with database.snapshot() as session:
        assert [flaw async for flaw in audit_search(session)] == []


async def test_an_internal_note_is_found_only_by_those_who_can_read_it(
    store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store, title="Fraud", assignee_group="payment-team", assignee=None)
    note = CommentTicket.parse(ticket=ticket.id, text="suspect-7", internal=True)
    await store.comment(MARTON, note)
    await open_ticket(store, title="Other")
    member = Actor("u_m", "Mia", frozenset({"network-team", "payment-team"}))
    assignee = Actor("u_s", "Sam")
    assert await found_by(database, assignee, "suspect") == []
    await store.assign(MARTON, AssignTicket.parse(ticket=ticket.id, assignee=assignee.id))
    for actor in (MARTON, member, ADA, assignee):
        assert await found_by(database, actor, "suspect-7") == ["Fraud"]
        assert await found_by(database, actor, "-suspect") == ["Other"]
    for actor in (ANNA, OUTSIDER):
        assert await found_by(database, actor, "suspect-7") == []
        assert await found_by(database, actor, "fraud or suspect") == ["Fraud"]
        assert await found_by(database, actor, "-suspect") == ["Other", "Fraud"]
        assert await found_by(database, actor, "fraud -suspect") == ["Fraud"]


async def test_the_order_of_words_is_checked_in_the_longest_texts(
    store: TicketStore, database: Database
) -> None:
    lines = " ".join(f"2026-11-{number % 30}" for number in range(1_500))
    await open_ticket(store, title="Log", description=f"{lines} server-77")
    assert await found_by(database, ANNA, "server-77") == ["Log"]
    assert await found_by(database, ANNA, "2026-11-29 server-77") == ["Log"]
    assert await found_by(database, ANNA, "server-2026") == []


async def test_the_longest_searches_are_answered(store: TicketStore, database: Database) -> None:
    words = " ".join(["a-b"] * 125)
    await open_ticket(store, title="Text", description=words)
    assert await found_by(database, ANNA, words) == ["Text"]
    assert await found_by(database, ANNA, " or ".join(["a-b"] * 70)) == ["Text"]
    assert await found_by(database, ANNA, " ".join(["-c-d"] * 100)) == ["Text"]


async def test_any_text_of_the_greatest_length_can_be_stored(
    store: TicketStore, database: Database
) -> None:
    contents = (
        "".join(chr(0x20000 + number) for number in range(20_000)),
        "x" * 20_000,
        "\ufdfa" * 20_000,
        "e" + "\u0301" * 19_999,
        " ".join(chr(0x100 + number) for number in range(10_000)),
    )
    for content in contents:
        ticket = await open_ticket(store, title="Long", description=content)
        assert ticket.description == content
    assert len(await found_by(database, ANNA, "long")) == len(contents)


# Any text and any search, against plain Python.

PIECES = st.sampled_from(
    ["a", "ab", "abc", "b", "0", "支", "付", "失", "บ", "é", "🔥", "-", ".", " "]
)
CONTENTS = st.lists(PIECES, min_size=1, max_size=8).map("".join)
TERMS = st.one_of(CONTENTS, CONTENTS.map('"{}"'.format), CONTENTS.map("-{}".format))
SEARCHES = st.lists(st.one_of(TERMS, st.just("or")), min_size=1, max_size=4).map(" ".join)


def is_found(contents: list[str], text: str) -> bool:
    """Return whether a ticket with these texts is found, by the rules as the page states them."""
    search = parse_text_search(text)
    texts = [words_of(each) for each in contents]
    if any(has(words, term) for words in texts for term in search.excluded):
        return False
    return not search.alternatives or any(
        all(has(words, term) for term in terms) for terms in search.alternatives for words in texts
    )


def has(words: list[str], term: Term) -> bool:
    """Return whether the words contain those of a term, one after the other."""
    *before, last = term.words
    return any(
        words[start : start + len(before)] == before
        and (
            words[start + len(before)] == last
            or (not term.is_exact and words[start + len(before)].startswith(last))
        )
        for start in range(len(words) - len(before))
    )


class World:
    """A database with one ticket, whose texts each example replaces."""

    def __init__(self, runner: asyncio.Runner, database: Database, ticket: Ticket) -> None:
        self._runner, self._database, self._ticket = runner, database, ticket

    def finds(self, contents: list[str], text: str) -> bool:
        return self._runner.run(self._finds(contents, text))

    async def _finds(self, contents: list[str], text: str) -> bool:
        texts = [
            SearchText(self._ticket.id, seq, internal=False, text=stored_words(content))
            for seq, content in enumerate(contents, 1)
        ]
        async with self._database.transaction() as session:
            await write_texts(session, texts)
        return bool(await found_by(self._database, OUTSIDER, text))


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with asyncio.Runner() as runner:
        opening = open_database(database_url, 1)
        database = runner.run(opening.__aenter__())
        ticket = a_ticket()
        runner.run(write_tickets(database, [ticket]))
        yield World(runner, database, ticket)
        runner.run(opening.__aexit__(None, None, None))


def test_any_search_finds_the_same_as_plain_python(world: World) -> None:
    @settings(deadline=None, max_examples=250)
    @given(st.lists(CONTENTS, min_size=3, max_size=3), SEARCHES)
    def check(contents: list[str], text: str) -> None:
        if not parse_text_search(text).is_empty:
            assert world.finds(contents, text) == is_found(contents, text)

    check()


SEPARATORS = "-./:<>_\\"
UNSPACED = "支付失败プリ動ไท"
LINES = st.text(
    st.one_of(
        st.sampled_from(f"abc019{SEPARATORS}{UNSPACED}"),
        st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters='"'),
    ),
    min_size=1,
    max_size=30,
).filter(lambda text: normalize("NFKC", text) == text)


def beginnings(line: str) -> list[int]:
    """Return where a part can begin that must be found."""
    return [
        start
        for start in range(len(line))
        if start == 0
        or line[start - 1] in SEPARATORS
        or (line[start - 1] in UNSPACED and line[start] in UNSPACED)
    ]


def test_a_part_is_found_that_begins_where_a_word_begins(world: World) -> None:
    @settings(deadline=None, max_examples=250)
    @given(LINES, st.data())
    def check(line: str, data: st.DataObject) -> None:
        start = data.draw(st.sampled_from(beginnings(line)))
        end = data.draw(st.integers(start + 1, len(line)))
        part = line[start:end].lstrip("-")
        if not parse_text_search(part).is_empty:
            assert world.finds([f"Before {line}, after", "", ""], part)

    check()
