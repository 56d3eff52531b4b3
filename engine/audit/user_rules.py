"""What users can do to a ticket, as rules that judge recorded entries. Pure.

Each rule returns the flaw of an entry; None if it has none. That a user was an admin or a member of
a group at that time is recorded only in the entry itself, so a rule believes it.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from engine.audit.past import Case
from engine.tickets.changes import permission_details
from engine.tickets.history import EntryKind, canonical_timestamp
from engine.tickets.permissions import EDITORS, NOTE_WRITERS, PUBLISHERS, Relation, assigners
from engine.tickets.publications import public_text
from engine.tickets.sla_targets import TARGETS_KEY
from engine.vocabulary import SYSTEM, ActorRoles, Priority, Status
from engine.workflows.policy import permits

CLOSED_FLAW: Final = "the ticket was CLOSED at that time"

_RELATIONS: Final = {
    ActorRoles.ASSIGNEE: Relation.ASSIGNEE,
    ActorRoles.REQUESTER: Relation.REQUESTER,
    ActorRoles.ADMIN: Relation.ADMIN,
}


def retired_flaw(case: Case) -> str | None:
    """Judge an entry that the retired workflow of a ticket does not allow."""
    if case.entry.at > case.period.latest_active:
        retired_at = canonical_timestamp(case.period.retired_at)
        return f"the workflow {case.period.workflow} was retired at {retired_at}"
    return None


def _transition_flaw(case: Case) -> str | None:
    entry, source = case.entry, case.past.ticket.status
    target = Status(str(entry.new_value))
    if source is Status.CLOSED:
        return CLOSED_FLAW
    if not permits(case.period.policy, source, target, entry.actor_bits):
        roles = " and ".join(ActorRoles(entry.actor_bits).names) or "neither requester nor assignee"
        return (
            f"revision {entry.workflow_revision} of {case.period.workflow} does not allow"
            f" {source} -> {target} to {entry.actor}, who was {roles}"
        )
    if entry.details is not None:
        return "a transition by a user has no details"
    return retired_flaw(case)


def _assignment_flaw(case: Case) -> str | None:
    new = case.entry.new_value
    if new is not None and (not new.strip() or new == SYSTEM):
        return f"{new!r} cannot be an assignee"
    if message := _edit_flaw(case):
        return message
    is_allowed = _is_part_of_transfer(case)
    return None if is_allowed else _permission_flaw(case, assigners(case.past.ticket))


def _is_part_of_transfer(case: Case) -> bool:
    """Return whether the entry removes the assignee together with a transfer to another group."""
    entry, transfer = case.entry, case.past.entries[-1]
    return (
        transfer.kind is EntryKind.ASSIGNEE_GROUP
        and transfer.new_value is not None
        and entry.new_value is None
        and (entry.at, entry.actor, entry.details)
        == (transfer.at, transfer.actor, transfer.details)
    )


def _transfer_flaw(case: Case) -> str | None:
    new = case.entry.new_value
    if new is not None and not new.strip():
        return "the assignee group is blank"
    return _edit_flaw(case) or _permission_flaw(case, assigners(case.past.ticket))


def _title_flaw(case: Case) -> str | None:
    if not (case.entry.new_value or "").strip():
        return "the title is blank"
    return _edit_flaw(case) or _permission_flaw(case, EDITORS)


def _description_flaw(case: Case) -> str | None:
    if case.entry.new_value is None:
        return "the new description is missing"
    return _edit_flaw(case) or _permission_flaw(case, EDITORS)


def _priority_flaw(case: Case) -> str | None:
    priority, entry = Priority(str(case.entry.new_value)), case.entry
    if message := _edit_flaw(case):
        return message
    if not case.past.has_sla_by_priority:
        return _permission_flaw(case, EDITORS)
    details = json.loads(entry.details or "{}")
    if details.pop(TARGETS_KEY, None) not in case.declared.targets_near(priority, entry.at):
        return f"its SLA targets are not those of {priority} at that time"
    return _permission_flaw(case, EDITORS, json.dumps(details))


def _comment_flaw(case: Case) -> str | None:
    if case.entry.details is not None:
        return "a comment by a user has no details"
    return _text_flaw(case)


def _note_flaw(case: Case) -> str | None:
    return _text_flaw(case) or _permission_flaw(case, NOTE_WRITERS)


def _publication_flaw(case: Case) -> str | None:
    try:
        public_text(case.entry.new_value)
    except ValueError:
        return "its value is not a text for the status page"
    return _permission_flaw(case, PUBLISHERS)


USER_RULES: Final[Mapping[EntryKind, Callable[[Case], str | None]]] = {
    EntryKind.STATUS: _transition_flaw,
    EntryKind.ASSIGNEE: _assignment_flaw,
    EntryKind.ASSIGNEE_GROUP: _transfer_flaw,
    EntryKind.TITLE: _title_flaw,
    EntryKind.DESCRIPTION: _description_flaw,
    EntryKind.PRIORITY: _priority_flaw,
    EntryKind.COMMENT: _comment_flaw,
    EntryKind.NOTE: _note_flaw,
    EntryKind.PUBLICATION: _publication_flaw,
}
"""The rule of each kind of entry that a user can make, except `created`."""


def _edit_flaw(case: Case) -> str | None:
    if case.past.ticket.status is Status.CLOSED:
        return CLOSED_FLAW
    if case.entry.new_value == case.entry.old_value:
        return "the old value is also the new one"
    return None


def _text_flaw(case: Case) -> str | None:
    return None if (case.entry.new_value or "").strip() else f"the {case.entry.kind} is blank"


def _permission_flaw(
    case: Case, allowed: frozenset[Relation], details: str | None = None
) -> str | None:
    """Judge whether the relations in the details allow the change, and fit the actor roles."""
    recorded = case.entry.details if details is None else details
    has_group = case.past.ticket.assignee_group is not None
    if recorded in _possible_details(case.entry.actor_bits, allowed, has_group=has_group):
        return None
    return f"its details {recorded} do not record a relation that allows {case.entry.actor} this"


@cache
def _possible_details(
    roles: int, allowed: frozenset[Relation], *, has_group: bool
) -> frozenset[str]:
    """Return the details of a change that these relations allow to an actor with these roles."""
    held = {relation for role, relation in _RELATIONS.items() if role & roles} & allowed
    choices = [held, held | {Relation.GROUP_MEMBER}] if has_group else [held]
    return frozenset(permission_details(frozenset(each)) for each in choices if each)
