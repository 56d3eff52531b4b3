"""The ticket as a value, and how the entries of its history change it. Pure."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Any, Final, NamedTuple

from engine.tickets.history import Entry, EntryKind
from engine.tickets.sla_targets import TARGETS_KEY, TicketTargets
from engine.vocabulary import Priority, Status

TICKET_ID_PATTERN: Final = re.compile(r"tk_[0-9a-f]{6,64}")


@dataclass(frozen=True, slots=True)
class Opening:
    """The initial values of a ticket, as its first entry records them.

    Attributes:
        requester: a user id; None if `system` opens the ticket.
        on_behalf_group: the group by which the actor could open the ticket for its requester; None
            if the actor is the requester, an admin or `system`.
        assignee: a user id, or None.
        assignee_group: the group whose members can assign the ticket.
        item: the name of the catalog item, if the ticket is opened from one.
        service: the path of the service, if the ticket is opened for an outage.
        key: the name of the API key whose report opened the ticket, if any.
        sla: the SLA targets; None if the ticket has none.

    """

    title: str
    description: str
    priority: Priority
    workflow: str
    requester: str | None = None
    on_behalf_group: str | None = None
    assignee: str | None = None
    assignee_group: str | None = None
    item: str | None = None
    service: str | None = None
    key: str | None = None
    sla: TicketTargets | None = None

    @property
    def details(self) -> str:
        """The details of the `created` entry."""
        fields = asdict(replace(self, sla=None))
        return json.dumps(fields | {TARGETS_KEY: self.sla and self.sla.data}, ensure_ascii=False)


class Ticket(NamedTuple):
    """One version of a ticket. All values follow from its history.

    A named tuple, because pages create many tickets: a frozen dataclass takes three times as long.

    Attributes:
        version: the number of entries in the history.
        created_at, updated_at: the times of the first and the latest entry.

    """

    id: str
    title: str
    description: str
    status: Status
    priority: Priority
    workflow: str
    requester: str | None
    assignee: str | None
    assignee_group: str | None
    item: str | None
    service: str | None
    created_at: datetime
    updated_at: datetime
    version: int


def initial_ticket(entry: Entry) -> Ticket:
    """Return the ticket right after its `created` entry."""
    return opened_ticket(entry, json.loads(entry.details or "{}"))


def opened_ticket(entry: Entry, opening: Mapping[str, Any]) -> Ticket:
    """Return the ticket right after its `created` entry, whose details are `opening`."""
    return Ticket(
        id=entry.ticket,
        title=opening["title"],
        description=opening["description"],
        status=Status(str(entry.new_value)),
        priority=Priority(opening["priority"]),
        workflow=opening["workflow"],
        requester=opening["requester"],
        assignee=opening["assignee"],
        assignee_group=opening["assignee_group"],
        item=opening["item"],
        service=opening["service"],
        created_at=entry.at,
        updated_at=entry.at,
        version=entry.seq,
    )


_EFFECTS: Final[dict[EntryKind, Callable[[str | None], dict[str, Any]]]] = {
    EntryKind.STATUS: lambda new: {"status": Status(str(new))},
    EntryKind.ASSIGNEE: lambda new: {"assignee": new},
    EntryKind.ASSIGNEE_GROUP: lambda new: {"assignee_group": new},
    EntryKind.PRIORITY: lambda new: {"priority": Priority(str(new))},
    EntryKind.TITLE: lambda new: {"title": str(new)},
    EntryKind.DESCRIPTION: lambda new: {"description": str(new)},
    EntryKind.COMMENT: lambda _new: {},
    EntryKind.NOTE: lambda _new: {},
    EntryKind.SLA_BREACH: lambda _new: {},
    EntryKind.PUBLICATION: lambda _new: {},
}
"""The fields of a ticket that each kind of entry, except `created`, changes."""


def other_requester(ticket: Ticket, entry: Entry) -> str | None:
    """Return the requester of a ticket if the entry records that another user opened it for them.

    The requester of a ticket never changes.
    """
    is_opening = entry.kind is EntryKind.CREATED
    return ticket.requester if is_opening and ticket.requester != entry.actor else None


def apply_entry(ticket: Ticket, entry: Entry) -> Ticket:
    """Return the ticket after another entry."""
    changed = _EFFECTS[entry.kind](entry.new_value)
    return ticket._replace(version=entry.seq, updated_at=entry.at, **changed)


def revert_entry(ticket: Ticket, entry: Entry) -> Ticket:
    """Return the ticket before an entry, except for its version and time of change."""
    return ticket._replace(**_EFFECTS[entry.kind](entry.old_value))


def rebuild_ticket(entries: Iterable[Entry]) -> Ticket:
    """Return the ticket after these entries, which start with the first of its history."""
    first, *later = entries
    return reduce(apply_entry, later, initial_ticket(first))
