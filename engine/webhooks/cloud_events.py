"""Entries of histories as events of CloudEvents 1.0, in JSON (structured mode).

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

import json
from collections.abc import Iterable
from typing import Final

from engine.tickets.history import Entry, EntryKind, canonical_timestamp
from engine.tickets.ticket import Ticket
from engine.vocabulary import TicketEvent

CONTENT_TYPE: Final = "application/cloudevents+json"
SOURCE: Final = "/interlock/tickets"

EVENTS: Final = {
    EntryKind.CREATED: TicketEvent.CREATED,
    EntryKind.STATUS: TicketEvent.TRANSITIONED,
    EntryKind.ASSIGNEE: TicketEvent.ASSIGNED,
    EntryKind.PRIORITY: TicketEvent.PRIORITY_CHANGED,
    EntryKind.TITLE: TicketEvent.TITLE_CHANGED,
    EntryKind.DESCRIPTION: TicketEvent.DESCRIPTION_CHANGED,
    EntryKind.COMMENT: TicketEvent.COMMENTED,
    EntryKind.NOTE: TicketEvent.NOTED,
    EntryKind.SLA_BREACH: TicketEvent.SLA_BREACHED,
}
KINDS: Final = {event: kind for kind, event in EVENTS.items()}
SHOWING: Final = (
    *(EntryKind.CREATED, EntryKind.STATUS, EntryKind.ASSIGNEE),
    *(EntryKind.PRIORITY, EntryKind.TITLE),
)
"""The entries that change what an event shows of its ticket."""


def kinds_of(events: Iterable[TicketEvent] | None) -> list[EntryKind]:
    """Return the kinds of entries that events tell of; None for all events."""
    return [KINDS[event] for event in (TicketEvent if events is None else events)]


def event_id(ticket: str, seq: int) -> str:
    """Return the id of the event that an entry is, always the same; without dots."""
    return f"{ticket}-{seq}"


def cloud_event(ticket: Ticket, entry: Entry, position: str) -> bytes:
    """Return an entry as an event, in UTF-8: the same bytes each time.

    Args:
        ticket: as the entry left it.
        entry: what happened; of an internal note, the text stays here.
        position: of the entry in the log of all histories.

    """
    event = {
        "specversion": "1.0",
        "id": event_id(entry.ticket, entry.seq),
        "source": SOURCE,
        "type": EVENTS[entry.kind],
        "subject": entry.ticket,
        "time": canonical_timestamp(entry.at),
        "datacontenttype": "application/json",
        "data": {
            "position": position,
            "version": entry.seq,
            "actor": entry.actor,
            "from": entry.old_value,
            "to": None if entry.kind is EntryKind.NOTE else entry.new_value,
            "ticket": shown(ticket),
        },
    }
    return json.dumps(event, ensure_ascii=False).encode()


def shown(ticket: Ticket) -> dict[str, object]:
    """Return what an event shows of a ticket; its description can be long and is left out."""
    return {
        "id": ticket.id,
        "title": ticket.title,
        "status": ticket.status,
        "priority": ticket.priority,
        "workflow": ticket.workflow,
        "requester": ticket.requester,
        "assignee": ticket.assignee,
        "assigneeGroup": ticket.assignee_group,
        "item": ticket.item,
        "service": ticket.service,
        "createdAt": canonical_timestamp(ticket.created_at),
    }
