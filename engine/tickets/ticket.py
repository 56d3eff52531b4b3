"""The ticket as a value, and the one step that takes it through its history."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Final, NamedTuple

from engine.tickets.history import Entry, EntryKind
from engine.tickets.sla_targets import TARGETS_KEY, TicketTargets
from engine.vocabulary import Priority, Status

TICKET_ID_PATTERN: Final = re.compile(r"tk_[0-9a-f]{6,64}")
"""The form of a ticket's id (design section 6)."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a ticket starts with: everything that its first entry records.

    Attributes:
        requester: a user id; None when `system` opens it.
        assignee: a user id, if somebody is assigned from the start.
        assignee_group: the group whose members may assign it.
        item: the name of the catalog item that it comes from, if it comes from one.
        service: the path of the service whose outage it is about; None if a person opened it.
        sla: the SLA targets; None if the ticket has none.

    """

    title: str
    description: str
    priority: Priority
    workflow: str
    requester: str | None
    assignee: str | None
    assignee_group: str | None
    item: str | None = None
    service: str | None = None
    sla: TicketTargets | None = None

    @property
    def details(self) -> str:
        """The opening as the details of a `created` entry."""
        fields = asdict(replace(self, sla=None))
        return json.dumps(fields | {TARGETS_KEY: self.sla and self.sla.data}, ensure_ascii=False)


class Ticket(NamedTuple):
    """One version of a ticket; nothing in it is known from anywhere but its history.

    A tuple is made in a third of the time of a frozen dataclass, and pages make many.

    Attributes:
        version: grows by one with every entry of the history.
        created_at, updated_at: the times of the first and of the latest entry.

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
    """Return the ticket that a `created` entry opens."""
    opening = json.loads(entry.details or "{}")
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


EFFECTS: Final[dict[EntryKind, Callable[[Ticket, str | None], Ticket]]] = {
    EntryKind.STATUS: lambda ticket, new: ticket._replace(status=Status(str(new))),
    EntryKind.ASSIGNEE: lambda ticket, new: ticket._replace(assignee=new),
    EntryKind.PRIORITY: lambda ticket, new: ticket._replace(priority=Priority(str(new))),
    EntryKind.TITLE: lambda ticket, new: ticket._replace(title=str(new)),
    EntryKind.DESCRIPTION: lambda ticket, new: ticket._replace(description=str(new)),
    EntryKind.COMMENT: lambda ticket, _new: ticket,
    EntryKind.NOTE: lambda ticket, _new: ticket,
    EntryKind.SLA_BREACH: lambda ticket, _new: ticket,
}
"""What each kind of entry does to a ticket that is open already."""


def apply_entry(ticket: Ticket, entry: Entry) -> Ticket:
    """Return the ticket after one more entry."""
    changed = EFFECTS[entry.kind](ticket, entry.new_value)
    return changed._replace(version=entry.seq, updated_at=entry.at)


def revert_entry(ticket: Ticket, entry: Entry) -> Ticket:
    """Return a ticket as it was before an entry, save its version and the time of its change."""
    return EFFECTS[entry.kind](ticket, entry.old_value)


def rebuild_ticket(entries: Iterable[Entry]) -> Ticket:
    """Return the ticket that a whole history, or its beginning, leads to."""
    first, *later = entries
    return reduce(apply_entry, later, initial_ticket(first))
