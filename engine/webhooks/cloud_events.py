"""History entries as CloudEvents 1.0 in JSON (structured mode).

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

import json
from collections.abc import Iterable
from typing import Final

from engine.tickets.history import Entry, EntryKind, canonical_timestamp
from engine.tickets.system_actor import api_key_of
from engine.tickets.ticket import Ticket
from engine.vocabulary import TicketEvent

CONTENT_TYPE: Final = "application/cloudevents+json"
_SOURCE: Final = "/interlock/tickets"

EVENT_TYPES: Final = {
    EntryKind.CREATED: TicketEvent.CREATED,
    EntryKind.STATUS: TicketEvent.TRANSITIONED,
    EntryKind.ASSIGNEE: TicketEvent.ASSIGNED,
    EntryKind.ASSIGNEE_GROUP: TicketEvent.TRANSFERRED,
    EntryKind.PRIORITY: TicketEvent.PRIORITY_CHANGED,
    EntryKind.TITLE: TicketEvent.TITLE_CHANGED,
    EntryKind.DESCRIPTION: TicketEvent.DESCRIPTION_CHANGED,
    EntryKind.COMMENT: TicketEvent.COMMENTED,
    EntryKind.NOTE: TicketEvent.NOTED,
    EntryKind.SLA_BREACH: TicketEvent.SLA_BREACHED,
    EntryKind.PUBLICATION: TicketEvent.PUBLISHED,
}
_ENTRY_KINDS: Final = {event: kind for kind, event in EVENT_TYPES.items()}
RENDERED_KINDS: Final = (
    *(EntryKind.CREATED, EntryKind.STATUS, EntryKind.ASSIGNEE),
    *(EntryKind.ASSIGNEE_GROUP, EntryKind.PRIORITY, EntryKind.TITLE),
)
"""The entries that change the ticket fields of an event."""


def entry_kinds(events: Iterable[TicketEvent] | None) -> list[EntryKind]:
    """Return the kinds of entries that produce these events; None means all events."""
    return [_ENTRY_KINDS[event] for event in (TicketEvent if events is None else events)]


def event_id(ticket: str, seq: int, fingerprint: str) -> str:
    """Return the id of the event of an entry. It is stable, and has no dots.

    A database that goes back in time assigns the same `seq` again. The fingerprint keeps receivers
    from taking the new event for a duplicate.
    """
    return f"{ticket}-{seq}-{fingerprint}"


def render_event(ticket: Ticket, entry: Entry, fingerprint: str, position: str) -> bytes:
    """Return the event of an entry in UTF-8, always the same bytes.

    The description is left out because it can be long, and so is the text of an internal note.

    Args:
        ticket: the ticket right after the entry.
        entry: the change.
        fingerprint: the beginning of the digest of the entry.
        position: the position of the entry in the log.

    """
    event = {
        "specversion": "1.0",
        "id": event_id(entry.ticket, entry.seq, fingerprint),
        "source": _SOURCE,
        "type": EVENT_TYPES[entry.kind],
        "subject": entry.ticket,
        "time": canonical_timestamp(entry.at),
        "datacontenttype": "application/json",
        "data": {
            "position": position,
            "version": entry.seq,
            "actor": entry.actor,
            "apiKey": api_key_of(entry),
            "from": entry.old_value,
            "to": None if entry.kind is EntryKind.NOTE else entry.new_value,
            "ticket": {
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
            },
        },
    }
    return json.dumps(event, ensure_ascii=False).encode()
