"""Whatever is done to a history that was whole, the audit finds it."""

from dataclasses import fields, replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.tickets.audit import StoredEntry, find_flaw
from engine.tickets.history import GENESIS, Entry, EntryKind
from engine.tickets.ticket import Ticket, rebuild_ticket
from tests.support.ticket_examples import (
    CHANGES,
    CREATED,
    HISTORIES,
    MOMENTS,
    TEXTS,
    a_ticket,
    an_entry,
    store_entries,
)

UNHURRIED = settings(deadline=None)

OTHER_VALUES: dict[str, st.SearchStrategy[object]] = {
    "ticket": TEXTS,
    "seq": st.integers(-1, 10),
    "at": MOMENTS,
    "actor": TEXTS,
    "kind": st.sampled_from(EntryKind),
    "old_value": st.none() | TEXTS,
    "new_value": st.none() | TEXTS,
    "actor_bits": st.integers(0, 7),
    "workflow_revision": st.integers(0, 9),
    "details": st.none() | TEXTS,
}


def flaw_at(history: list[Entry], tampered: list[StoredEntry]) -> int | None:
    """Return the entry at fault when the chain of a ticket is replaced by another."""
    head = store_entries(history)[-1].digest
    flaw = find_flaw(rebuild_ticket(history), head, tampered)
    return flaw.seq if flaw else None


@UNHURRIED
@given(history=HISTORIES)
def test_a_whole_history_has_no_flaw(history: list[Entry]) -> None:
    assert flaw_at(history, store_entries(history)) is None


def test_every_field_of_an_entry_is_tampered_with_here() -> None:
    assert set(OTHER_VALUES) == {each.name for each in fields(Entry)}


@pytest.mark.parametrize("field", OTHER_VALUES)
@UNHURRIED
@given(history=HISTORIES, data=st.data())
def test_another_value_is_found_where_it_is(
    field: str, history: list[Entry], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(history) - 1))
    value = data.draw(OTHER_VALUES[field])
    chain = store_entries(history)
    changed = replace(chain[place].entry, **{field: value})  # type: ignore[arg-type]
    assume(changed != chain[place].entry)
    chain[place] = replace(chain[place], entry=changed)
    assert flaw_at(history, chain) == place + 1


@UNHURRIED
@given(history=HISTORIES, data=st.data())
def test_another_digest_is_found_where_it_is(history: list[Entry], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(history) - 1))
    digest = data.draw(st.binary(max_size=32) | st.just(GENESIS))
    chain = store_entries(history)
    assume(digest != chain[place].digest)
    chain[place] = replace(chain[place], digest=digest)
    assert flaw_at(history, chain) == place + 1


@UNHURRIED
@given(history=HISTORIES, data=st.data())
def test_a_removed_entry_is_found_where_it_was(history: list[Entry], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(history) - 1))
    chain = store_entries(history)
    del chain[place]
    assert flaw_at(history, chain) == place + 1


@UNHURRIED
@given(history=HISTORIES, data=st.data())
def test_swapped_entries_are_found_at_the_first(history: list[Entry], data: st.DataObject) -> None:
    assume(len(history) > 1)
    places = st.integers(0, len(history) - 1)
    first, second = sorted(data.draw(st.lists(places, min_size=2, max_size=2, unique=True)))
    chain = store_entries(history)
    chain[first], chain[second] = chain[second], chain[first]
    assert flaw_at(history, chain) == first + 1


@UNHURRIED
@given(history=HISTORIES, data=st.data())
def test_a_repeated_entry_is_found_where_it_stands(
    history: list[Entry], data: st.DataObject
) -> None:
    original = data.draw(st.integers(0, len(history) - 1))
    place = data.draw(st.integers(0, len(history)))
    chain = store_entries(history)
    chain.insert(place, chain[original])
    found = flaw_at(history, chain)
    assert found == (place + 2 if place == original else place + 1)


@UNHURRIED
@given(history=HISTORIES, data=st.data())
def test_a_part_sealed_anew_is_found_at_the_end(history: list[Entry], data: st.DataObject) -> None:
    """Who can compute digests still has to fit the head that the ticket keeps."""
    place = data.draw(st.integers(0, len(history) - 1))
    forged = [*history]
    forged[place] = replace(history[place], actor=history[place].actor + "'")
    assert flaw_at(history, store_entries(forged)) == len(history) + 1


@UNHURRIED
@given(history=HISTORIES, added=CHANGES)
def test_an_entry_added_in_form_is_found(history: list[Entry], added: Entry) -> None:
    longer = [*history, replace(added, seq=len(history) + 1)]
    assert flaw_at(history, store_entries(longer)) == len(history) + 1


OTHER_TICKETS: dict[str, Ticket] = {
    "title": a_ticket(title="Cards fail"),
    "status": a_ticket(status="CLOSED"),
    "requester": a_ticket(requester=None),
    "assignee": a_ticket(assignee="u_z9"),
    "assignee_group": a_ticket(assignee_group=None),
    "workflow": a_ticket(workflow="service_request"),
}


@pytest.mark.parametrize(("field", "ticket"), OTHER_TICKETS.items(), ids=OTHER_TICKETS)
def test_a_ticket_that_is_not_what_its_history_tells_is_found(field: str, ticket: Ticket) -> None:
    chain = store_entries([CREATED])
    flaw = find_flaw(ticket, chain[-1].digest, chain)
    assert flaw is not None
    assert flaw.seq == 2
    assert f"says {field} " in flaw.message


MEANINGLESS: dict[str, Entry] = {
    "details that are missing": an_entry(details=None),
    "details that are no JSON": an_entry(details="{"),
    "details that are no object": an_entry(details="[]"),
    "details without the ticket": an_entry(details='{"title": "x"}'),
    "details that are a pit": an_entry(details="[" * 200_000),
    "a status that is none": an_entry(new_value="DONE"),
}


@pytest.mark.parametrize("entry", MEANINGLESS.values(), ids=MEANINGLESS)
def test_a_sealed_entry_that_means_nothing_is_a_flaw_not_a_failure(entry: Entry) -> None:
    chain = store_entries([entry])
    flaw = find_flaw(a_ticket(), chain[-1].digest, chain)
    assert flaw is not None
    assert str(flaw) == (
        "tk_4f8e29 entry 1: what it records is nothing that can happen to a ticket"
    )


def test_a_history_that_does_not_begin_with_created_is_found() -> None:
    chain = store_entries([an_entry(kind=EntryKind.COMMENT, new_value="Hello")])
    flaw = find_flaw(a_ticket(), chain[-1].digest, chain)
    assert flaw is not None
    assert flaw.message.startswith("a history begins with created")


def test_no_history_at_all_is_found() -> None:
    flaw = find_flaw(a_ticket(), GENESIS, [])
    assert str(flaw) == "tk_4f8e29 entry 1: the history ends here, but the ticket is at version 1"
