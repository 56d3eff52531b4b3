"""The transition: one statement that decides, updates the ticket and records it, or does nothing.

    current   the locked ticket with its workflow's policy and the actor's roles;
              no row if the viewer cannot read the ticket
    decision  the same with a verdict
    commented the ticket after a comment, if the request has one
    assigned  the ticket after it is assigned to the actor, if the request does that
    claim     the idempotency key, if there is one
    updated   the ticket in its new status, if the verdict allows it
    recorded  the new history entries
    searched  the text of the comment, for searches

The statement returns the resulting ticket with the verdict and the values that decided it, so that
a refusal is explained from exactly those values, without another query.
"""

from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    LargeBinary,
    Select,
    Text,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from engine.storage.history.digest_sql import digest
from engine.storage.postgres.rows import TICKET_COLUMNS
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import idempotency_keys, tickets, users, workflows
from engine.storage.resources.plugins import TICKETING_OFF_REASON
from engine.storage.tickets.policy_sql import actor_bits, ordinal, permits
from engine.storage.tickets.relations_sql import (
    IS_GROUP_MEMBER,
    assigning_relations,
    note_writing_relations,
)
from engine.storage.tickets.transition_entries import (
    ACTOR,
    TARGET,
    EarlierEntry,
    comment_entry,
    next_version,
    record_entries,
    record_search_text,
    self_assignment_entry,
    transition_entry,
    with_assignee_role,
)
from engine.storage.tickets.visibility import INVOLVED
from engine.tickets.history import EntryKind
from engine.vocabulary import Status


class Verdict(StrEnum):
    """What the statement decided."""

    ALLOWED = "allowed"
    PLUGIN_OFF = "plugin_off"
    FORBIDDEN = "forbidden"
    CANNOT_ASSIGN = "cannot_assign"
    CANNOT_WRITE_NOTES = "cannot_write_notes"
    VERSION_CONFLICT = "version_conflict"
    REPEATED = "repeated"


class TransitionForm(NamedTuple):
    """What a transition statement does.

    Attributes:
        keyed: the request has an idempotency key.
        sees_all: the viewer can read every ticket.
        assigns: it assigns the ticket to the actor first.
        comment: the kind of the comment that it adds first; None for none.

    """

    keyed: bool
    sees_all: bool
    assigns: bool = False
    comment: EntryKind | None = None

    @property
    def needs_groups(self) -> bool:
        """Whether the groups of the actor decide as well."""
        return self.assigns or self.comment is EntryKind.NOTE


_UPDATED_COLUMNS: Final = ("status", "version", "updated_at")

_TICKET: Final = bindparam("ticket", type_=Text)
_ADMIN_BIT: Final = bindparam("admin_bit", type_=Integer)
_TARGET_ORDINAL: Final = bindparam("target_ordinal", type_=Integer)
_EXPECTED_VERSION: Final = bindparam("expected_version", type_=Integer)
_KEY: Final = bindparam("key", type_=Text)
_REQUEST: Final = bindparam("request", type_=LargeBinary)


@cache
def transition_statement(form: TransitionForm) -> Statement:
    """Return the statement of a form."""
    decision = _decide(_lock_ticket(form), form)
    earlier = _earlier_entries(decision, form)
    ticket = earlier[-1].after if earlier else decision
    allowed: ColumnElement[bool] = ticket.c.verdict == _verdict(Verdict.ALLOWED)
    before: list[CTE] = []
    if form.keyed:
        claim = _claim_key(ticket, allowed)
        before.append(claim)
        allowed = and_(allowed, exists().select_from(claim))
    if form.assigns:
        before.append(_insert_actor(ticket, allowed))
    updated = _update_ticket(ticket, allowed, form)
    recorded = record_entries(earlier, ticket, updated).cte("recorded")
    if form.comment is not None:
        before.append(record_search_text(decision, updated, form.comment).cte("searched"))
    return Statement.of(_result(decision, updated, form).add_cte(*before, recorded))


def _lock_ticket(form: TransitionForm) -> CTE:
    roles = actor_bits(tickets.c.requester, tickets.c.assignee, ACTOR, _ADMIN_BIT)
    return (
        select(
            tickets,
            workflows.c.policy,
            workflows.c.display_name,
            workflows.c.revision,
            workflows.c.retired_at.is_not(None).label("retired"),
            TICKETING_OFF_REASON.label("off_reason"),
            roles.label("actor_bits"),
            *([IS_GROUP_MEMBER] if form.needs_groups else []),
        )
        .join(workflows)
        .where(tickets.c.id == _TICKET, *([] if form.sees_all else [INVOLVED]))
        .with_for_update(of=tickets)
        .cte("current")
    )


def _decide(current: CTE, form: TransitionForm) -> CTE:
    """Return the ticket with the verdict and the time of the change."""
    roles = with_assignee_role(current.c.actor_bits) if form.assigns else current.c.actor_bits
    permitted = and_(
        ~current.c.retired,
        current.c.status != literal_column(f"'{Status.CLOSED}'"),
        permits(current.c.policy, ordinal(current.c.status), _TARGET_ORDINAL, roles),
    )
    first: list[tuple[ColumnElement[bool], ColumnElement[str]]] = [
        (current.c.off_reason.is_not(None), _verdict(Verdict.PLUGIN_OFF))
    ]
    if form.keyed:
        keys = idempotency_keys.c
        is_taken = exists().where(keys.actor == ACTOR, keys.key == _KEY)
        first.append((is_taken, _verdict(Verdict.REPEATED)))
    verdict = case(
        *first,
        (current.c.version != _EXPECTED_VERSION, _verdict(Verdict.VERSION_CONFLICT)),
        *(
            (and_(permitted, relations == literal_column("''")), _verdict(refusal))
            for relations, refusal in _required_relations(current, form)
        ),
        (permitted, _verdict(Verdict.ALLOWED)),
        else_=_verdict(Verdict.FORBIDDEN),
    )
    now = func.greatest(func.clock_timestamp(), current.c.updated_at)
    return select(current, verdict.label("verdict"), now.label("at")).cte("decision")


def _required_relations(
    current: CTE, form: TransitionForm
) -> list[tuple[ColumnElement[str], Verdict]]:
    """Return relations of which the actor needs one, each with the verdict without any."""
    required = []
    if form.assigns:
        required.append((assigning_relations(current), Verdict.CANNOT_ASSIGN))
    if form.comment is EntryKind.NOTE:
        required.append((note_writing_relations(current), Verdict.CANNOT_WRITE_NOTES))
    return required


def _earlier_entries(decision: CTE, form: TransitionForm) -> list[EarlierEntry]:
    entries = []
    if form.comment is not None:
        entries.append(comment_entry(decision, form.comment))
    if form.assigns:
        entries.append(self_assignment_entry(entries[-1].after if entries else decision))
    return entries


def _verdict(value: Verdict) -> ColumnElement[str]:
    return literal_column(f"'{value}'", Text)


def _claim_key(ticket: CTE, allowed: ColumnElement[bool]) -> CTE:
    """Insert the key with the result of the change; no row if another request was faster."""
    claim = select(ACTOR, _KEY, _REQUEST, ticket.c.id, next_version(ticket)).where(allowed)
    return (
        insert(idempotency_keys)
        .from_select(["actor", "key", "request", "ticket", "version"], claim)
        .on_conflict_do_nothing()
        .returning(idempotency_keys.c.key)
        .cte("claim")
    )


def _insert_actor(ticket: CTE, allowed: ColumnElement[bool]) -> CTE:
    """Create the record of an actor who becomes the assignee, unless it exists."""
    actor = select(ACTOR).select_from(ticket).where(allowed)
    return insert(users).from_select(["id"], actor).on_conflict_do_nothing().cte("known")


def _update_ticket(ticket: CTE, allowed: ColumnElement[bool], form: TransitionForm) -> CTE:
    to_resolved = literal_column(str(Status.RESOLVED.ordinal)) == _TARGET_ORDINAL
    columns = ("id", "head_digest", *_updated_columns(form))
    return (
        update(tickets)
        .values(
            status=TARGET,
            version=next_version(ticket),
            updated_at=ticket.c.at,
            head_digest=digest(ticket.c.head_digest, transition_entry(ticket)),
            auto_close_from=case((to_resolved, ticket.c.at), else_=null()),
            **({"assignee": ACTOR} if form.assigns else {}),
        )
        .where(tickets.c.id == ticket.c.id, allowed)
        .returning(*(tickets.c[name] for name in columns))
        .cte("updated")
    )


def _updated_columns(form: TransitionForm) -> tuple[str, ...]:
    return (*_UPDATED_COLUMNS, "assignee") if form.assigns else _UPDATED_COLUMNS


def _result(decision: CTE, updated: CTE, form: TransitionForm) -> Select[tuple[object, ...]]:
    """Return the resulting ticket, whether it was updated, and what decided that."""
    updated_columns = _updated_columns(form)
    ticket = (
        func.coalesce(updated.c[column.name], decision.c[column.name]).label(column.name)
        if column.name in updated_columns
        else decision.c[column.name]
        for column in TICKET_COLUMNS
    )
    facts = (
        decision.c[name]
        for name in ("policy", "display_name", "retired", "actor_bits", "off_reason", "verdict")
    )
    is_updated = updated.c.id.is_not(None).label("is_updated")
    joined = decision.outerjoin(updated, literal_column("true"))
    return select(*ticket, *facts, is_updated).select_from(joined)
