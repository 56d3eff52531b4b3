"""Every history that the rules can produce is accepted, and every forged one is not."""

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audit.declared_history import DeclaredHistory
from engine.audit.history import HistoryFlaw, find_flaw
from engine.tickets.history import Entry
from engine.tickets.ticket import rebuild_ticket
from tests.support.forged_histories import (
    FORGERIES,
    forged,
    with_an_entry_removed,
    with_an_entry_repeated,
)
from tests.support.ticket_desk import Desk, desks
from tests.support.ticket_examples import TICKET, with_digests


def flaw_of(declared: DeclaredHistory, history: list[Entry]) -> HistoryFlaw | None:
    """Return the flaw of a history whose digests and whose ticket fit it."""
    chain = with_digests(history)
    try:
        ticket = rebuild_ticket(history)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        ticket = TICKET
    return find_flaw(declared, ticket, chain[-1].digest, chain)


@given(desk=desks())
def test_every_history_that_the_rules_produce_is_accepted(desk: Desk) -> None:
    for history in desk.tickets:
        assert flaw_of(desk.declared, history) is None


@settings(max_examples=30)
@given(desk=desks(), data=st.data())
def test_a_forged_entry_is_found(desk: Desk, data: st.DataObject) -> None:
    history, declared = data.draw(st.sampled_from(desk.tickets)), desk.declared
    for forgery in FORGERIES:
        for seq, copy in forged(forgery, desk, history):
            flaw = flaw_of(declared, copy)
            assert flaw is not None, (forgery, copy[seq - 1])
            assert flaw.seq >= seq


@settings(max_examples=30)
@given(desk=desks())
def test_a_removed_or_repeated_change_is_found(desk: Desk) -> None:
    for history in desk.tickets:
        for seq, copy in (*with_an_entry_removed(history), *with_an_entry_repeated(history)):
            flaw = flaw_of(desk.declared, copy)
            assert flaw is not None
            assert flaw.seq >= seq
