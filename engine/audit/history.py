"""Checks that a history is intact, follows the rules, and leads to the ticket. Pure."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from engine.audit.creation import creation_flaw
from engine.audit.declared_history import DeclaredHistory, RevisionPeriod
from engine.audit.past import Case, Past
from engine.audit.system_rules import SYSTEM_RULES
from engine.audit.user_rules import USER_RULES, retired_flaw
from engine.errors import CorruptRecord
from engine.tickets.history import GENESIS, Entry, EntryKind, canonical_timestamp
from engine.tickets.ticket import Ticket
from engine.vocabulary import SYSTEM, ActorRoles

_FIELDS: Final = {
    EntryKind.STATUS: "status",
    EntryKind.ASSIGNEE: "assignee",
    EntryKind.ASSIGNEE_GROUP: "assignee_group",
    EntryKind.PRIORITY: "priority",
    EntryKind.TITLE: "title",
    EntryKind.DESCRIPTION: "description",
}
"""The field of a ticket whose old value each kind of entry records; other kinds record none."""
_ASSIGNEE, _REQUESTER, _ADMIN = map(int, ActorRoles)
"""As plain integers, whose operations take a tenth of the time of those of an `IntFlag`."""
MALFORMED: Final = (
    *(AttributeError, KeyError, TypeError, ValueError, RecursionError),
    CorruptRecord,
)
"""What the rules raise for values of the wrong type, for details that are not valid JSON, and for
declarations that are not valid."""


@dataclass(frozen=True, slots=True)
class HistoryFlaw:
    """The first flaw in the history of a ticket.

    Attributes:
        seq: the number of the entry; one past the last for an inconsistency of the ticket itself.

    """

    ticket: str
    seq: int
    message: str

    def __str__(self) -> str:
        return f"{self.ticket} entry {self.seq}: {self.message}"


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry with the digest that is stored with it."""

    entry: Entry
    digest: bytes


def find_flaw(
    declared: DeclaredHistory, ticket: Ticket, head: bytes, history: Iterable[StoredEntry]
) -> HistoryFlaw | None:
    """Return the first flaw in the history of a ticket; None if it has no flaw.

    The chain of the digests must fit, each entry must follow the rules, and the ticket must be the
    result of its entries.

    Args:
        declared: what was declared when.
        ticket: the stored ticket.
        head: the stored digest of its last entry.
        history: all stored entries, in order.

    """
    past: Past | None = None
    digest, seq = GENESIS, 0
    for stored in history:
        seq += 1
        message = _chain_flaw(stored, seq, digest)
        if message is None:
            try:
                past, message = _judge(declared, past, stored.entry)
            except MALFORMED:
                message = "its content is not a valid change of a ticket"
        if message is not None:
            return HistoryFlaw(ticket.id, seq, message)
        digest = stored.digest
    if past is None or seq < ticket.version:
        message = f"the history ends here, but the ticket has version {ticket.version}"
        return HistoryFlaw(ticket.id, seq + 1, message)
    if seq > ticket.version:
        message = f"the history continues after version {ticket.version} of the ticket"
        return HistoryFlaw(ticket.id, ticket.version + 1, message)
    if message := _ticket_flaw(ticket, past.ticket, head, digest):
        return HistoryFlaw(ticket.id, seq + 1, message)
    return None


def is_chain_intact(history: Iterable[StoredEntry]) -> bool:
    """Return whether the numbers and digests of a history fit together."""
    digest = GENESIS
    for seq, stored in enumerate(history, 1):
        if _chain_flaw(stored, seq, digest):
            return False
        digest = stored.digest
    return True


def _chain_flaw(stored: StoredEntry, seq: int, before: bytes) -> str | None:
    """Return the flaw of the entry at position `seq` in the chain; None if it has none."""
    entry = stored.entry
    if entry.seq != seq:
        return f"missing; the next entry is {entry.seq}"
    if (entry.kind is EntryKind.CREATED) != (seq == 1):
        return f"the first entry, and no other, must be of kind created; this one is {entry.kind}"
    if entry.digest(before) != stored.digest:
        return "its digest does not match its content and the previous digest"
    return None


def _judge(declared: DeclaredHistory, past: Past | None, entry: Entry) -> tuple[Past, str | None]:
    """Return the ticket after an entry, and which rule the entry breaks, if any."""
    if past is None:
        opening = json.loads(entry.details or "{}")
        past = Past.of(entry, opening)
        return past, _created_flaw(declared, past, entry, opening)
    message = _entry_flaw(declared, past, entry)
    if message is None:
        past.append(entry)
    return past, message


def _created_flaw(
    declared: DeclaredHistory, past: Past, entry: Entry, opening: dict[str, object]
) -> str | None:
    period = declared.periods.get(entry.workflow_revision)
    if period is None or (message := _time_flaw(declared, past.ticket, entry, period)):
        return _no_revision(entry) if period is None else message
    return retired_flaw(Case(declared, past, entry, period)) or creation_flaw(
        declared, entry, opening
    )


def _entry_flaw(declared: DeclaredHistory, past: Past, entry: Entry) -> str | None:
    period = declared.periods.get(entry.workflow_revision)
    if period is None:
        return _no_revision(entry)
    message = (
        _time_flaw(declared, past.ticket, entry, period)
        or _roles_flaw(past.ticket, entry)
        or _old_value_flaw(past.ticket, entry)
    )
    if message is not None:
        return message
    rule = (SYSTEM_RULES if entry.actor == SYSTEM else USER_RULES).get(entry.kind)
    if rule is None:
        return f"{entry.actor} cannot make an entry of kind {entry.kind}"
    return rule(Case(declared, past, entry, period))


def _no_revision(entry: Entry) -> str:
    return f"there is no revision {entry.workflow_revision}"


def _time_flaw(
    declared: DeclaredHistory, ticket: Ticket, entry: Entry, period: RevisionPeriod
) -> str | None:
    """Judge whether an entry was possible at its time."""
    at, number = entry.at, entry.workflow_revision
    if at < ticket.updated_at:
        return "its time is before that of the previous entry"
    if period.workflow != ticket.workflow:
        return f"revision {number} is one of {period.workflow}, not of {ticket.workflow}"
    if at < period.earliest:
        return f"revision {number} was declared later, at {canonical_timestamp(period.begin)}"
    if at > period.latest:
        return f"revision {number} was replaced before, at {canonical_timestamp(period.end)}"
    return "ticketing was off at that time" if declared.was_ticketing_off(at) else None


def _roles_flaw(ticket: Ticket, entry: Entry) -> str | None:
    """Judge whether the recorded roles fit requester and assignee; any user can be an admin."""
    actor, bits = entry.actor, entry.actor_bits
    roles = _ASSIGNEE * (actor == ticket.assignee) + _REQUESTER * (actor == ticket.requester)
    if bits == roles or (bits == roles + _ADMIN and actor != SYSTEM):
        return None
    recorded = " and ".join(ActorRoles(bits & 7).names) or "without a role"
    held = " and ".join(ActorRoles(roles).names) or "neither requester nor assignee"
    return f"it records {actor} as {recorded} ({bits}), but {actor} was {held}"


def _old_value_flaw(ticket: Ticket, entry: Entry) -> str | None:
    field = _FIELDS.get(entry.kind)
    before = None if field is None else getattr(ticket, field)
    if entry.old_value == before:
        return None
    recorded, expected = (repr(value and str(value)) for value in (entry.old_value, before))
    return f"its old value is {recorded}, but the {field or 'value'} was {expected}"


def _ticket_flaw(ticket: Ticket, rebuilt: Ticket, head: bytes, digest: bytes) -> str | None:
    """Return the first difference between a ticket and its rebuilt history."""
    if head != digest:
        return "the head digest of the ticket is not the digest of its last entry"
    for field in Ticket._fields:
        stored, expected = getattr(ticket, field), getattr(rebuilt, field)
        if stored != expected:
            return f"{field} of the ticket is '{stored}', but '{expected}' in its history"
    return None
