"""The timeline of a ticket: each entry of the history as a sentence. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from api.web.formats import words
from engine.tickets.history import Entry, EntryKind
from engine.tickets.publications import public_text
from engine.tickets.system_actor import SystemReason, api_key_of, system_reason
from engine.vocabulary import SYSTEM

_ICONS: Final = {
    EntryKind.CREATED: "add_circle",
    EntryKind.STATUS: "arrow_circle_right",
    EntryKind.ASSIGNEE: "person",
    EntryKind.ASSIGNEE_GROUP: "group",
    EntryKind.PRIORITY: "flag",
    EntryKind.TITLE: "edit",
    EntryKind.DESCRIPTION: "edit_note",
    EntryKind.COMMENT: "chat_bubble",
    EntryKind.NOTE: "lock",
    EntryKind.SLA_BREACH: "alarm",
    EntryKind.PUBLICATION: "campaign",
}
_REASONS: Final = {
    SystemReason.SERVICE_RECOVERED: "because the service recovered",
    SystemReason.SERVICE_DOWN_AGAIN: "because the service is down again",
    SystemReason.GRACE_PERIOD_OVER: "because the time to answer is over",
}
_Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One entry of the history.

    Attributes:
        icon: the name of its icon.
        actor: the name of the user who made it.
        sentence: what the actor did; continues the name.
        text: the comment or note in Markdown; None for other kinds.

    """

    seq: int
    at: datetime
    kind: EntryKind
    icon: str
    actor: str
    sentence: str
    text: str | None = None

    @property
    def is_note(self) -> bool:
        """Whether the item is an internal note."""
        return self.kind is EntryKind.NOTE


def build_timeline(entries: Sequence[Entry], names: _Names) -> tuple[TimelineItem, ...]:
    """Return entries as items, in the same order.

    Args:
        entries: of one ticket.
        names: the names of all users in the entries, by id.

    """
    return tuple(
        TimelineItem(
            entry.seq,
            entry.at,
            entry.kind,
            _ICONS[entry.kind],
            "Interlock" if entry.actor == SYSTEM else names.get(entry.actor, entry.actor),
            _sentence(entry, names),
            _text(entry),
        )
        for entry in entries
    )


def users_of(entries: Sequence[Entry]) -> frozenset[str]:
    """Return the ids of all users whose names the timeline shows."""
    found = {entry.actor for entry in entries}
    for entry in entries:
        if entry.kind is EntryKind.ASSIGNEE:
            found |= {entry.old_value or "", entry.new_value or ""}
        if entry.kind is EntryKind.CREATED:
            found.add(_opening(entry).get("requester") or "")
    return frozenset(found - {"", SYSTEM})


def _sentence(entry: Entry, names: _Names) -> str:
    sentence = _SENTENCES[entry.kind](entry, names)
    if reason := system_reason(entry):
        sentence = f"{sentence} {_REASONS[reason]}"
    key = api_key_of(entry)
    return f"{sentence} (API key {key})" if key else sentence


def _created(entry: Entry, names: _Names) -> str:
    opening = _opening(entry)
    requester, item = opening.get("requester"), opening.get("item")
    sentence = "opened this ticket"
    if requester is not None and requester != entry.actor:
        sentence += f" for {names.get(requester, requester)}"
    return f"{sentence} from the catalog item {item}" if item else sentence


def _opening(entry: Entry) -> dict[str, str | None]:
    """Return the initial values of the ticket that a `created` entry records."""
    opening: dict[str, str | None] = json.loads(entry.details or "{}")
    return opening


def _status(entry: Entry, _names: _Names) -> str:
    return f"moved it from {words(str(entry.old_value))} to {words(str(entry.new_value))}"


def _assignee(entry: Entry, names: _Names) -> str:
    if entry.new_value is None:
        return "put it back into the queue"
    if entry.new_value == entry.actor:
        return "took it"
    return f"assigned it to {names.get(entry.new_value, entry.new_value)}"


def _group(entry: Entry, _names: _Names) -> str:
    if entry.new_value is None:
        return f"took it from the group {entry.old_value}"
    return f"transferred it to {entry.new_value}"


def _priority(entry: Entry, _names: _Names) -> str:
    before, after = words(str(entry.old_value)), words(str(entry.new_value))
    return f"changed the priority from {before} to {after}"


def _text(entry: Entry) -> str | None:
    """Return the text that an entry adds, in Markdown; None if it adds none."""
    if entry.kind in {EntryKind.COMMENT, EntryKind.NOTE}:
        return entry.new_value
    if entry.kind is EntryKind.PUBLICATION and (text := public_text(entry.new_value)):
        return "\n\n".join(filter(None, (text.impact, text.update))) or None
    return None


def _publication(entry: Entry, _names: _Names) -> str:
    text = public_text(entry.new_value)
    if text is None:
        return "withdrew the text from the status page"
    return f"published on the status page: “{text.title}”"


_SENTENCES: Final[Mapping[EntryKind, Callable[[Entry, _Names], str]]] = {
    EntryKind.CREATED: _created,
    EntryKind.STATUS: _status,
    EntryKind.ASSIGNEE: _assignee,
    EntryKind.ASSIGNEE_GROUP: _group,
    EntryKind.PRIORITY: _priority,
    EntryKind.TITLE: lambda entry, _: f"changed the title from “{entry.old_value}”",
    EntryKind.DESCRIPTION: lambda _entry, _: "changed the description",
    EntryKind.COMMENT: lambda _entry, _: "commented",
    EntryKind.NOTE: lambda _entry, _: "added an internal note",
    EntryKind.PUBLICATION: _publication,
    EntryKind.SLA_BREACH: lambda entry, _: f"recorded that the {entry.new_value} target was missed",
}
