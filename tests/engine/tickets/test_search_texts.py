"""Which texts of a ticket a search reads."""

import pytest

from engine.tickets.history import EntryKind
from engine.tickets.search_texts import SearchText, new_texts, ticket_text
from tests.support.ticket_examples import a_ticket, an_entry

TICKET = a_ticket(title="VPN", description="down")
OF_TICKET = SearchText(TICKET.id, 1, internal=False, text=" vpn down ")
TEXTS = {
    EntryKind.COMMENT: [SearchText(TICKET.id, 4, internal=False, text=" e 42 ")],
    EntryKind.NOTE: [SearchText(TICKET.id, 4, internal=True, text=" e 42 ")],
    EntryKind.TITLE: [OF_TICKET],
    EntryKind.DESCRIPTION: [OF_TICKET],
}


def test_title_and_description_are_one_text() -> None:
    assert ticket_text(TICKET) == OF_TICKET


@pytest.mark.parametrize("kind", [each for each in EntryKind if each is not EntryKind.CREATED])
def test_an_entry_adds_or_changes_a_text(kind: EntryKind) -> None:
    entry = an_entry(ticket=TICKET.id, seq=4, kind=kind, new_value="E-42")
    assert new_texts(TICKET, [entry]) == TEXTS.get(kind, [])


def test_an_edit_of_both_changes_the_text_once() -> None:
    edits = [
        an_entry(ticket=TICKET.id, seq=seq, kind=kind, new_value="New")
        for seq, kind in enumerate((EntryKind.TITLE, EntryKind.DESCRIPTION), 2)
    ]
    assert new_texts(TICKET, edits) == [OF_TICKET]
