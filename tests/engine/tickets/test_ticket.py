"""A ticket follows from its history."""

from datetime import timedelta

import pytest

from engine.tickets.history import EntryKind
from engine.tickets.ticket import Ticket, apply_entry, initial_ticket, rebuild_ticket
from engine.vocabulary import Priority, Status
from tests.support.ticket_examples import CREATED, NOON, OPENING, a_ticket, an_entry

LATER = NOON + timedelta(minutes=5)


def test_the_first_entry_has_the_whole_ticket() -> None:
    assert initial_ticket(CREATED) == a_ticket()


def test_details_can_contain_any_character() -> None:
    ticket = initial_ticket(
        an_entry(details=OPENING.details.replace("Payments fail", "\U0001f525 é"))
    )
    assert ticket.title == "\U0001f525 é"


EFFECTS: dict[EntryKind, tuple[str | None, Ticket]] = {
    EntryKind.STATUS: ("RESOLVED", a_ticket(status=Status.RESOLVED)),
    EntryKind.ASSIGNEE: ("u_c4", a_ticket(assignee="u_c4")),
    EntryKind.ASSIGNEE_GROUP: ("network-team", a_ticket(assignee_group="network-team")),
    EntryKind.PRIORITY: ("LOW", a_ticket(priority=Priority.LOW)),
    EntryKind.TITLE: ("Cards fail", a_ticket(title="Cards fail")),
    EntryKind.DESCRIPTION: ("All of them", a_ticket(description="All of them")),
    EntryKind.COMMENT: ("Looking", a_ticket()),
    EntryKind.NOTE: ("Looking", a_ticket()),
    EntryKind.SLA_BREACH: ("response", a_ticket()),
    EntryKind.PUBLICATION: ('["Cards fail", "", ""]', a_ticket()),
}


@pytest.mark.parametrize(("kind", "expected"), EFFECTS.items(), ids=EFFECTS)
def test_an_entry_changes_one_field(kind: EntryKind, expected: tuple[str | None, Ticket]) -> None:
    new, changed = expected
    entry = an_entry(seq=2, at=LATER, kind=kind, new_value=new, details=None)
    after = apply_entry(a_ticket(), entry)
    assert after == a_ticket(
        status=changed.status,
        assignee=changed.assignee,
        assignee_group=changed.assignee_group,
        priority=changed.priority,
        title=changed.title,
        description=changed.description,
        updated_at=LATER,
        version=2,
    )


def test_every_kind_but_created_has_an_effect() -> None:
    assert set(EFFECTS) == set(EntryKind) - {EntryKind.CREATED}


def test_a_ticket_is_rebuilt_from_its_history_or_a_part_of_it() -> None:
    history = [
        CREATED,
        an_entry(seq=2, kind=EntryKind.ASSIGNEE, new_value="u_c4"),
        an_entry(seq=3, kind=EntryKind.STATUS, new_value="IN_PROGRESS"),
        an_entry(seq=4, kind=EntryKind.ASSIGNEE, old_value="u_c4", new_value=None),
        an_entry(seq=5, at=LATER, kind=EntryKind.STATUS, new_value="RESOLVED"),
    ]
    assert rebuild_ticket(history) == a_ticket(status=Status.RESOLVED, updated_at=LATER, version=5)
    assert rebuild_ticket(history[:3]) == a_ticket(
        status=Status.IN_PROGRESS, assignee="u_c4", version=3
    )
    assert rebuild_ticket(history[:1]) == a_ticket()


INVALID = {
    "created twice": (an_entry(seq=2), KeyError),
    "an unknown status": (an_entry(kind=EntryKind.STATUS, new_value="DONE"), ValueError),
    "no status": (an_entry(kind=EntryKind.STATUS, new_value=None), ValueError),
    "an unknown priority": (an_entry(kind=EntryKind.PRIORITY, new_value="low"), ValueError),
}


@pytest.mark.parametrize(("entry", "error"), INVALID.values(), ids=INVALID)
def test_an_invalid_entry_is_an_error(entry: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        apply_entry(a_ticket(), entry)  # type: ignore[arg-type]
