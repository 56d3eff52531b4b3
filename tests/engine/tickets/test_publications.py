"""What is published about a ticket: the last text, and its updates since the last withdrawal."""

from datetime import timedelta

import pytest

from engine.errors import Forbidden, InvalidInput
from engine.tickets.actor import Actor
from engine.tickets.history import EntryKind
from engine.tickets.publications import (
    PublicText,
    PublicUpdate,
    PublishIncident,
    WithdrawIncident,
    current_publication,
    public_text,
    publication_changes,
    withdrawal_changes,
)
from engine.vocabulary import Status
from tests.support.personas import ADA, ANNA, MARTON
from tests.support.ticket_examples import NOON, a_ticket

TICKET = a_ticket(assignee=MARTON.id, assignee_group="shop-team", status=Status.CLOSED)
MEMBER = Actor("u_m1", "Mia", groups=frozenset({"shop-team"}))
STRANGER = Actor("u_z9", "Zoe")


def publish(**more: object) -> PublishIncident:
    return PublishIncident.parse(ticket=TICKET.id, title="Cards fail", **more)


@pytest.mark.parametrize("actor", [MARTON, MEMBER, ADA], ids=lambda actor: actor.name)
def test_the_side_of_the_assignee_publishes_and_withdraws(actor: Actor) -> None:
    [published] = publication_changes(TICKET, actor, publish(impact="No payments", update="Found"))
    assert published.kind is EntryKind.PUBLICATION
    assert public_text(published.new) == PublicText("Cards fail", "No payments", "Found")
    [withdrawn] = withdrawal_changes(TICKET, actor, WithdrawIncident.parse(ticket=TICKET.id))
    assert (withdrawn.kind, withdrawn.new) == (EntryKind.PUBLICATION, None)


@pytest.mark.parametrize("actor", [ANNA, STRANGER], ids=lambda actor: actor.name)
def test_others_publish_nothing(actor: Actor) -> None:
    with pytest.raises(Forbidden, match="can publish a text about"):
        publication_changes(TICKET, actor, publish())
    with pytest.raises(Forbidden):
        withdrawal_changes(TICKET, actor, WithdrawIncident.parse(ticket=TICKET.id))


@pytest.mark.parametrize(
    "fields",
    [{"title": " "}, {"title": "a\nb"}, {"title": "a" * 121}, {"title": "a", "impact": "x" * 501}],
)
def test_an_invalid_text_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        PublishIncident.parse(ticket=TICKET.id, **fields)


def test_updates_are_those_since_the_last_withdrawal() -> None:
    values = ('["A", "", "one"]', None, '["B", "", "two"]', '["C", "i", ""]', '["D", "", "three"]')
    times = [NOON + number * timedelta(minutes=1) for number in range(len(values))]
    found = current_publication(zip(times, values, strict=True))
    assert found is not None
    assert found.text == PublicText("D", "", "three")
    assert found.updates == (PublicUpdate(times[4], "three"), PublicUpdate(times[2], "two"))


@pytest.mark.parametrize("values", [[], [None], ['["A", "", ""]', None]])
def test_nothing_is_published(values: list[str | None]) -> None:
    assert current_publication((NOON, each) for each in values) is None


@pytest.mark.parametrize("value", ["", "x", "[]", '["a", "b"]', '[" ", "", ""]', '{"title": "a"}'])
def test_other_values_are_no_publications(value: str) -> None:
    with pytest.raises(ValueError, match=r"^.*$"):
        public_text(value)
