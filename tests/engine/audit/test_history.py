"""A history that does not fit its digests, or whose ticket does not fit it, is found."""

from dataclasses import fields, replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.audit.history import StoredEntry, find_flaw
from engine.tickets.history import GENESIS, Entry, EntryKind
from engine.tickets.ticket import Ticket, rebuild_ticket
from tests.support.ticket_desk import RECORDED, Recorded
from tests.support.ticket_examples import (
    CREATED,
    DECLARED,
    TEXTS,
    TIMESTAMPS,
    a_ticket,
    an_entry,
    with_digests,
)

FEW = settings(max_examples=25)

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


def flaw_at(recorded: Recorded, tampered: list[StoredEntry]) -> int | None:
    """Return the number of the entry that the audit finds in a tampered history."""
    declared, history = recorded
    head = with_digests(history)[-1].digest
    flaw = find_flaw(declared, rebuild_ticket(history), head, tampered)
    return flaw.seq if flaw else None


def test_every_field_of_an_entry_is_covered() -> None:
    assert set(OTHER_VALUES) == {each.name for each in fields(Entry)}


@FEW
@given(recorded=RECORDED, data=st.data())
def test_a_changed_value_is_found_at_its_entry(recorded: Recorded, data: st.DataObject) -> None:
    chain = with_digests(recorded[1])
    index = data.draw(st.integers(0, len(chain) - 1))
    for field, values in OTHER_VALUES.items():
        changed = replace(chain[index].entry, **{field: data.draw(values)})  # type: ignore[arg-type]
        if changed != chain[index].entry:
            tampered = [*chain]
            tampered[index] = replace(chain[index], entry=changed)
            assert flaw_at(recorded, tampered) == index + 1


@FEW
@given(recorded=RECORDED, data=st.data())
def test_a_changed_digest_is_found_at_its_entry(recorded: Recorded, data: st.DataObject) -> None:
    chain = with_digests(recorded[1])
    index = data.draw(st.integers(0, len(chain) - 1))
    digest = data.draw(st.binary(max_size=32) | st.just(GENESIS))
    assume(digest != chain[index].digest)
    chain[index] = replace(chain[index], digest=digest)
    assert flaw_at(recorded, chain) == index + 1


@FEW
@given(recorded=RECORDED)
def test_a_removed_entry_is_found_at_its_position(recorded: Recorded) -> None:
    chain = with_digests(recorded[1])
    for index in range(len(chain)):
        assert flaw_at(recorded, [*chain[:index], *chain[index + 1 :]]) == index + 1


@FEW
@given(recorded=RECORDED, data=st.data())
def test_swapped_entries_are_found_at_the_first_of_them(
    recorded: Recorded, data: st.DataObject
) -> None:
    chain = with_digests(recorded[1])
    assume(len(chain) > 1)
    indexes = st.integers(0, len(chain) - 1)
    first, second = sorted(data.draw(st.lists(indexes, min_size=2, max_size=2, unique=True)))
    chain[first], chain[second] = chain[second], chain[first]
    assert flaw_at(recorded, chain) == first + 1


@FEW
@given(recorded=RECORDED, data=st.data())
def test_a_repeated_entry_is_found_at_its_position(recorded: Recorded, data: st.DataObject) -> None:
    chain = with_digests(recorded[1])
    original = data.draw(st.integers(0, len(chain) - 1))
    index = data.draw(st.integers(0, len(chain)))
    chain.insert(index, chain[original])
    found = flaw_at(recorded, chain)
    assert found == (index + 2 if index == original else index + 1)


@FEW
@given(recorded=RECORDED, name=TEXTS)
def test_recomputed_digests_are_found_at_the_end(recorded: Recorded, name: str) -> None:
    """An attacker can recompute all digests, but the head digest of the ticket then differs."""
    history = recorded[1]
    forged = [replace(history[0], ticket=name), *history[1:]]
    assume(name != history[0].ticket)
    assert flaw_at(recorded, with_digests(forged)) == len(history) + 1


@FEW
@given(recorded=RECORDED)
def test_an_appended_entry_with_a_valid_digest_is_found(recorded: Recorded) -> None:
    history = recorded[1]
    comment = replace(
        history[-1],
        seq=len(history) + 1,
        actor="u_new",
        kind=EntryKind.COMMENT,
        old_value=None,
        new_value="Hello",
        actor_bits=0,
        details=None,
    )
    assert flaw_at(recorded, with_digests([*history, comment])) == len(history) + 1


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
    flaw = find_flaw(DECLARED, ticket, chain[-1].digest, chain)
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
    flaw = find_flaw(DECLARED, a_ticket(), chain[-1].digest, chain)
    assert flaw is not None
    message = "its content is not a valid change of a ticket"
    assert str(flaw) == f"tk_4f8e29 entry 1: {message}"


def test_a_history_that_does_not_begin_with_created_is_found() -> None:
    chain = with_digests([an_entry(kind=EntryKind.COMMENT, new_value="Hello")])
    flaw = find_flaw(DECLARED, a_ticket(), chain[-1].digest, chain)
    assert flaw is not None
    assert flaw.message.startswith("the first entry, and no other, must be of kind created")


def test_a_ticket_without_a_history_is_found() -> None:
    flaw = find_flaw(DECLARED, a_ticket(), GENESIS, [])
    assert str(flaw) == "tk_4f8e29 entry 1: the history ends here, but the ticket has version 1"
