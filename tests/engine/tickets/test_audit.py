"""The audit finds every kind of tampering with an intact history."""

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
    TEXTS,
    TIMESTAMPS,
    a_ticket,
    an_entry,
    with_digests,
)

NO_DEADLINE = settings(deadline=None)

OTHER_VALUES: dict[str, st.SearchStrategy[object]] = {
    "ticket": TEXTS,
    "seq": st.integers(-1, 10),
    "at": TIMESTAMPS,
    "actor": TEXTS,
    "kind": st.sampled_from(EntryKind),
    "old_value": st.none() | TEXTS,
    "new_value": st.none() | TEXTS,
    "actor_bits": st.integers(0, 7),
    "workflow_revision": st.integers(0, 9),
    "details": st.none() | TEXTS,
}


def flaw_at(history: list[Entry], tampered: list[StoredEntry]) -> int | None:
    """Return the number of the entry that the audit finds in a tampered history."""
    head = with_digests(history)[-1].digest
    flaw = find_flaw(rebuild_ticket(history), head, tampered)
    return flaw.seq if flaw else None


@NO_DEADLINE
@given(history=HISTORIES)
def test_an_intact_history_has_no_flaw(history: list[Entry]) -> None:
    assert flaw_at(history, with_digests(history)) is None


def test_every_field_of_an_entry_is_covered() -> None:
    assert set(OTHER_VALUES) == {each.name for each in fields(Entry)}


@pytest.mark.parametrize("field", OTHER_VALUES)
@NO_DEADLINE
@given(history=HISTORIES, data=st.data())
def test_a_changed_value_is_found_at_its_entry(
    field: str, history: list[Entry], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(history) - 1))
    value = data.draw(OTHER_VALUES[field])
    chain = with_digests(history)
    changed = replace(chain[index].entry, **{field: value})  # type: ignore[arg-type]
    assume(changed != chain[index].entry)
    chain[index] = replace(chain[index], entry=changed)
    assert flaw_at(history, chain) == index + 1


@NO_DEADLINE
@given(history=HISTORIES, data=st.data())
def test_a_changed_digest_is_found_at_its_entry(history: list[Entry], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(history) - 1))
    digest = data.draw(st.binary(max_size=32) | st.just(GENESIS))
    chain = with_digests(history)
    assume(digest != chain[index].digest)
    chain[index] = replace(chain[index], digest=digest)
    assert flaw_at(history, chain) == index + 1


@NO_DEADLINE
@given(history=HISTORIES, data=st.data())
def test_a_removed_entry_is_found_at_its_position(
    history: list[Entry], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(history) - 1))
    chain = with_digests(history)
    del chain[index]
    assert flaw_at(history, chain) == index + 1


@NO_DEADLINE
@given(history=HISTORIES, data=st.data())
def test_swapped_entries_are_found_at_the_first_of_them(
    history: list[Entry], data: st.DataObject
) -> None:
    assume(len(history) > 1)
    indexes = st.integers(0, len(history) - 1)
    first, second = sorted(data.draw(st.lists(indexes, min_size=2, max_size=2, unique=True)))
    chain = with_digests(history)
    chain[first], chain[second] = chain[second], chain[first]
    assert flaw_at(history, chain) == first + 1


@NO_DEADLINE
@given(history=HISTORIES, data=st.data())
def test_a_repeated_entry_is_found_at_its_position(
    history: list[Entry], data: st.DataObject
) -> None:
    original = data.draw(st.integers(0, len(history) - 1))
    index = data.draw(st.integers(0, len(history)))
    chain = with_digests(history)
    chain.insert(index, chain[original])
    found = flaw_at(history, chain)
    assert found == (index + 2 if index == original else index + 1)


@NO_DEADLINE
@given(history=HISTORIES, data=st.data())
def test_recomputed_digests_are_found_at_the_end(history: list[Entry], data: st.DataObject) -> None:
    """An attacker can recompute all digests, but the head digest of the ticket then differs."""
    index = data.draw(st.integers(0, len(history) - 1))
    forged = [*history]
    forged[index] = replace(history[index], actor=history[index].actor + "'")
    assert flaw_at(history, with_digests(forged)) == len(history) + 1


@NO_DEADLINE
@given(history=HISTORIES, added=CHANGES)
def test_an_appended_entry_with_a_valid_digest_is_found(history: list[Entry], added: Entry) -> None:
    longer = [*history, replace(added, seq=len(history) + 1)]
    assert flaw_at(history, with_digests(longer)) == len(history) + 1


OTHER_TICKETS: dict[str, Ticket] = {
    "title": a_ticket(title="Cards fail"),
    "status": a_ticket(status="CLOSED"),
    "requester": a_ticket(requester=None),
    "assignee": a_ticket(assignee="u_z9"),
    "assignee_group": a_ticket(assignee_group=None),
    "workflow": a_ticket(workflow="service_request"),
}


@pytest.mark.parametrize(("field", "ticket"), OTHER_TICKETS.items(), ids=OTHER_TICKETS)
def test_a_ticket_that_differs_from_its_history_is_found(field: str, ticket: Ticket) -> None:
    chain = with_digests([CREATED])
    flaw = find_flaw(ticket, chain[-1].digest, chain)
    assert flaw is not None
    assert flaw.seq == 2
    assert flaw.message.startswith(f"{field} of the ticket is ")


INVALID: dict[str, Entry] = {
    "no details": an_entry(details=None),
    "details that are not JSON": an_entry(details="{"),
    "details that are not an object": an_entry(details="[]"),
    "details without the ticket": an_entry(details='{"title": "x"}'),
    "deeply nested details": an_entry(details="[" * 200_000),
    "an unknown status": an_entry(new_value="DONE"),
}


@pytest.mark.parametrize("entry", INVALID.values(), ids=INVALID)
def test_an_invalid_entry_with_a_valid_digest_is_a_flaw(entry: Entry) -> None:
    chain = with_digests([entry])
    flaw = find_flaw(a_ticket(), chain[-1].digest, chain)
    assert flaw is not None
    message = "its content is not a valid change of a ticket"
    assert str(flaw) == f"tk_4f8e29 entry 1: {message}"


def test_a_history_that_does_not_begin_with_created_is_found() -> None:
    chain = with_digests([an_entry(kind=EntryKind.COMMENT, new_value="Hello")])
    flaw = find_flaw(a_ticket(), chain[-1].digest, chain)
    assert flaw is not None
    assert flaw.message.startswith("the first entry, and no other, must be of kind created")


def test_a_ticket_without_a_history_is_found() -> None:
    flaw = find_flaw(a_ticket(), GENESIS, [])
    assert str(flaw) == "tk_4f8e29 entry 1: the history ends here, but the ticket has version 1"
