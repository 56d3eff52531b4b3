"""The entries of a history as sentences."""

from datetime import UTC, datetime

import pytest

from api.web.icons import read_icons
from api.web.views.ticket.timeline import build_timeline, users_of
from engine.tickets.history import Entry, EntryKind
from engine.tickets.system_actor import SystemReason, outage_details, system_details
from engine.vocabulary import SYSTEM

EARLIER = datetime(2026, 2, 28, tzinfo=UTC)
NAMES = {"u_b1": "Anna K.", "u_c4": "Marton P."}


def entry(
    kind: EntryKind,
    old: str | None = None,
    new: str | None = None,
    *,
    actor: str = "u_c4",
    details: str | None = None,
) -> Entry:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    return Entry("tk_000001", 1, at, actor, kind, old, new, 0, 1, details)


SENTENCES = {
    entry(EntryKind.CREATED, actor="u_b1"): "Anna K. opened this ticket",
    entry(EntryKind.CREATED, details='{"item": "vpn"}'): (
        "Marton P. opened this ticket from the catalog item vpn"
    ),
    entry(EntryKind.CREATED, details='{"item": null, "requester": "u_c4"}'): (
        "Marton P. opened this ticket"
    ),
    entry(EntryKind.CREATED, details='{"item": "vpn", "requester": "u_b1"}'): (
        "Marton P. opened this ticket for Anna K. from the catalog item vpn"
    ),
    entry(EntryKind.STATUS, "OPEN", "IN_PROGRESS"): "Marton P. moved it from Open to In progress",
    entry(
        EntryKind.STATUS,
        "OPEN",
        "CLOSED",
        actor=SYSTEM,
        details=system_details(SystemReason.SERVICE_RECOVERED),
    ): "Interlock moved it from Open to Closed because the service recovered",
    entry(EntryKind.CREATED, actor=SYSTEM, details='{"item": null, "key": "1a2b3c4d"}'): (
        "Interlock opened this ticket (API key 1a2b3c4d)"
    ),
    entry(
        EntryKind.COMMENT,
        None,
        "It is up.",
        actor=SYSTEM,
        details=outage_details(SystemReason.SERVICE_RECOVERED, "a/b", EARLIER, "1a2b3c4d"),
    ): "Interlock commented because the service recovered (API key 1a2b3c4d)",
    entry(EntryKind.ASSIGNEE, None, "u_c4"): "Marton P. took it",
    entry(EntryKind.ASSIGNEE, None, "u_b1"): "Marton P. assigned it to Anna K.",
    entry(EntryKind.ASSIGNEE, "u_b1", "u_x9"): "Marton P. assigned it to u_x9",
    entry(EntryKind.ASSIGNEE, "u_c4", None): "Marton P. put it back into the queue",
    entry(EntryKind.ASSIGNEE_GROUP, None, "it-desk"): "Marton P. transferred it to it-desk",
    entry(EntryKind.ASSIGNEE_GROUP, "it-desk", None): "Marton P. took it from the group it-desk",
    entry(EntryKind.PRIORITY, "LOW", "HIGH"): "Marton P. changed the priority from Low to High",
    entry(EntryKind.TITLE, "Old", "New"): "Marton P. changed the title from “Old”",
    entry(EntryKind.DESCRIPTION, "a", "b"): "Marton P. changed the description",
    entry(EntryKind.COMMENT, None, "x"): "Marton P. commented",
    entry(EntryKind.NOTE, None, "x"): "Marton P. added an internal note",
    entry(EntryKind.PUBLICATION, None, '["Cards fail", "", ""]'): (
        "Marton P. published on the status page: “Cards fail”"
    ),
    entry(EntryKind.PUBLICATION, None, None): "Marton P. withdrew the text from the status page",
    entry(EntryKind.SLA_BREACH, None, "response", actor=SYSTEM): (
        "Interlock recorded that the response target was missed"
    ),
}


@pytest.mark.parametrize(("recorded", "sentence"), SENTENCES.items())
def test_an_entry_is_a_sentence(recorded: Entry, sentence: str) -> None:
    [item] = build_timeline([recorded], NAMES)
    assert f"{item.actor} {item.sentence}" == sentence
    assert item.icon in read_icons()
    is_text = recorded.kind in {EntryKind.COMMENT, EntryKind.NOTE}
    assert item.text == (recorded.new_value if is_text else None)


def test_every_kind_has_a_sentence() -> None:
    assert {each.kind for each in SENTENCES} == set(EntryKind)


def test_the_names_of_all_users_in_a_timeline_are_read() -> None:
    assert users_of([*SENTENCES]) == {"u_b1", "u_c4", "u_x9"}
