"""The entries that a transition statement writes: its own, and those before it.

A statement is a chain of tables with one row, the ticket: each entry is made from the ticket before
it, and leads to the ticket after it. So the last table has the version and the head digest after
all entries.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    Insert,
    Text,
    bindparam,
    case,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert

from engine.storage.history.digest_sql import digest
from engine.storage.postgres.tables import ticket_search, ticket_status_history
from engine.storage.tickets.relations_sql import (
    assigning_relations,
    details_of,
    note_writing_relations,
)
from engine.tickets.history import EntryKind
from engine.vocabulary import ActorRoles

ACTOR: Final = bindparam("actor", type_=Text)
TARGET: Final = bindparam("target", type_=Text)
_COMMENT: Final = bindparam("comment", type_=Text)

EntryColumns: TypeAlias = dict[str, ColumnElement[Any]]
"""The columns of an entry, without its digest."""


@dataclass(frozen=True, slots=True)
class EarlierEntry:
    """An entry before that of the transition.

    Attributes:
        before, after: the ticket before and after the entry.
        condition: when the entry is made; None for always.

    """

    before: CTE
    after: CTE
    columns: EntryColumns
    condition: ColumnElement[bool] | None = None


def comment_entry(ticket: CTE, kind: EntryKind) -> EarlierEntry:
    """Return the entry of a comment, or of an internal note."""
    is_note = kind is EntryKind.NOTE
    details = details_of(note_writing_relations(ticket)) if is_note else null()
    columns = _entry(ticket, kind, null(), _COMMENT, details)
    after = _changed(
        ticket,
        "commented",
        version=next_version(ticket),
        head_digest=digest(ticket.c.head_digest, columns),
    )
    return EarlierEntry(ticket, after, columns)


def self_assignment_entry(ticket: CTE) -> EarlierEntry:
    """Return the entry that assigns the ticket to the actor; made unless it is assigned to them."""
    details = details_of(assigning_relations(ticket))
    columns = _entry(ticket, EntryKind.ASSIGNEE, ticket.c.assignee, ACTOR, details)
    is_new = ticket.c.assignee.is_distinct_from(ACTOR)
    head = digest(ticket.c.head_digest, columns)
    after = _changed(
        ticket,
        "assigned",
        version=case((is_new, next_version(ticket)), else_=ticket.c.version),
        head_digest=case((is_new, head), else_=ticket.c.head_digest),
        actor_bits=with_assignee_role(ticket.c.actor_bits),
    )
    return EarlierEntry(ticket, after, columns, is_new)


def transition_entry(ticket: CTE) -> EntryColumns:
    """Return the entry of the transition."""
    return _entry(ticket, EntryKind.STATUS, ticket.c.status, TARGET, null())


def next_version(ticket: CTE) -> ColumnElement[int]:
    """Return the version of a ticket after one more entry."""
    return ticket.c.version + literal_column("1")


def with_assignee_role(actor_bits: ColumnElement[int]) -> ColumnElement[int]:
    """Return the roles of an actor who is also the assignee."""
    return actor_bits.bitwise_or(literal_column(str(int(ActorRoles.ASSIGNEE))))


def record_entries(earlier: list[EarlierEntry], ticket: CTE, updated: CTE) -> Insert:
    """Return the statement that inserts all entries, in their order, if the ticket was updated.

    Args:
        earlier: the entries before that of the transition.
        ticket: the ticket before the transition.
        updated: the ticket after it, if it was updated.

    """
    last = transition_entry(ticket) | {"digest": updated.c.head_digest}
    joined = ticket.join(updated, updated.c.id == ticket.c.id)
    entry = select(*last.values()).select_from(joined)
    history = insert(ticket_status_history)
    if not earlier:
        return history.from_select(list(last), entry)
    entries = [
        select(*each.columns.values(), each.after.c.head_digest)
        .select_from(each.before.join(each.after, literal_column("true")))
        .join(updated, literal_column("true"))
        .where(*([] if each.condition is None else [each.condition]))
        for each in earlier
    ]
    in_order = union_all(*entries, entry).order_by(literal_column(str(_PLACE_OF_SEQ)))
    return history.from_select(list(last), in_order)


def record_search_text(ticket: CTE, updated: CTE, kind: EntryKind) -> Insert:
    """Return the statement that inserts the text of the comment, for searches.

    Args:
        ticket: the ticket before the comment.
        updated: the ticket after the transition, if it was updated.
        kind: the kind of the comment.

    """
    columns = {
        "ticket": ticket.c.id,
        "seq": next_version(ticket),
        "internal": literal_column("true" if kind is EntryKind.NOTE else "false", Boolean),
        "text": bindparam("comment_words", type_=Text),
    }
    text = select(*columns.values()).select_from(ticket.join(updated, literal_column("true")))
    return insert(ticket_search).from_select(list(columns), text)


_PLACE_OF_SEQ: Final = 2
"""The place of `seq` among the columns; the log numbers entries in the order of insertion."""


def _entry(
    ticket: CTE,
    kind: EntryKind,
    old: ColumnElement[Any],
    new: ColumnElement[Any],
    details: ColumnElement[Any],
) -> EntryColumns:
    return {
        "ticket": ticket.c.id,
        "seq": next_version(ticket),
        "at": ticket.c.at,
        "actor": ACTOR,
        "kind": literal_column(f"'{kind}'", Text),
        "old_value": old,
        "new_value": new,
        "actor_bits": ticket.c.actor_bits,
        "workflow_revision": ticket.c.revision,
        "details": details,
    }


def _changed(ticket: CTE, name: str, **columns: ColumnElement[Any]) -> CTE:
    """Return a ticket with other values of some columns."""
    return select(*(columns.get(each.name, each).label(each.name) for each in ticket.c)).cte(name)
