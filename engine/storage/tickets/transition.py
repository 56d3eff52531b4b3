"""The transition: one statement that decides, moves the ticket and records it, or does nothing.

    before   the ticket, locked, with its workflow's policy and what the actor is towards it;
             nothing if it is out of the actor's sight
    decision the same with a verdict
    claimed  the idempotency key, if there is one
    moved    the ticket in its new status, if the verdict says so
    recorded its history entry

The ticket as it now is comes back with the verdict and what it was decided on, so that a refusal
is explained from the very facts, without asking again.
"""

from enum import StrEnum
from functools import cache
from typing import Final

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
    insert,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_or_nothing

from engine.storage.history.digest_sql import digest
from engine.storage.postgres.rows import TICKET_COLUMNS
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import (
    idempotency_keys,
    ticket_status_history,
    tickets,
    workflows,
)
from engine.storage.resources.plugins import TICKETING_OFF_REASON
from engine.storage.tickets.policy_sql import actor_bits, ordinal, permits
from engine.storage.tickets.visibility import INVOLVED
from engine.tickets.history import EntryKind
from engine.vocabulary import Status


class Verdict(StrEnum):
    """What the statement decided."""

    MOVED = "moved"
    SWITCHED_OFF = "switched_off"
    REFUSED = "refused"
    VERSION_CONFLICT = "version_conflict"
    REPEATED = "repeated"


MOVING_COLUMNS: Final = ("status", "version", "updated_at")

TICKET: Final = bindparam("ticket", type_=Text)
ACTOR: Final = bindparam("actor", type_=Text)
ADMIN_BIT: Final = bindparam("admin_bit", type_=Integer)
TARGET: Final = bindparam("target", type_=Text)
TARGET_ORDINAL: Final = bindparam("target_ordinal", type_=Integer)
EXPECTED_VERSION: Final = bindparam("expected_version", type_=Integer)
KEY: Final = bindparam("key", type_=Text)
REQUEST: Final = bindparam("request", type_=LargeBinary)


@cache
def transition_statement(*, keyed: bool, sees_all: bool) -> Statement:
    """Return the statement, with or without an idempotency key, for one who sees all or not."""
    before = locked_ticket(sees_all=sees_all)
    decision = decided(before, keyed=keyed)
    permitted: ColumnElement[bool] = decision.c.verdict == verdict(Verdict.MOVED)
    claims: tuple[CTE, ...] = ()
    if keyed:
        claims = (claimed(decision, permitted),)
        permitted = and_(permitted, exists().select_from(claims[0]))
    moved = moved_ticket(decision, permitted)
    recorded = recorded_entry(decision, moved)
    return Statement.of(answered(decision, moved).add_cte(*claims, recorded))


def locked_ticket(*, sees_all: bool) -> CTE:
    """Return the ticket, locked, with its workflow and what the actor is towards it."""
    return (
        select(
            tickets,
            workflows.c.policy,
            workflows.c.display_name,
            workflows.c.revision,
            workflows.c.retired_at.is_not(None).label("retired"),
            TICKETING_OFF_REASON.label("why_off"),
            actor_bits(tickets.c.requester, tickets.c.assignee, ACTOR, ADMIN_BIT).label(
                "actor_bits"
            ),
        )
        .join(workflows)
        .where(tickets.c.id == TICKET, *([] if sees_all else [INVOLVED]))
        .with_for_update(of=tickets)
        .cte("before")
    )


def decided(before: CTE, *, keyed: bool) -> CTE:
    """Return the ticket with the verdict and the time of the change."""
    permitted = and_(
        ~before.c.retired,
        before.c.status != literal_column(f"'{Status.CLOSED}'"),
        permits(before.c.policy, ordinal(before.c.status), TARGET_ORDINAL, before.c.actor_bits),
    )
    first: list[tuple[ColumnElement[bool], ColumnElement[str]]] = [
        (before.c.why_off.is_not(None), verdict(Verdict.SWITCHED_OFF))
    ]
    if keyed:
        first.append((exists().where(key_is_taken()), verdict(Verdict.REPEATED)))
    decision = case(
        *first,
        (before.c.version != EXPECTED_VERSION, verdict(Verdict.VERSION_CONFLICT)),
        (permitted, verdict(Verdict.MOVED)),
        else_=verdict(Verdict.REFUSED),
    )
    now = func.greatest(func.clock_timestamp(), before.c.updated_at)
    return select(before, decision.label("verdict"), now.label("at")).cte("decision")


def verdict(value: Verdict) -> ColumnElement[str]:
    """Return a verdict as a constant of the statement."""
    return literal_column(f"'{value}'", Text)


def key_is_taken() -> ColumnElement[bool]:
    """Return whether the actor has used the key before."""
    return and_(idempotency_keys.c.actor == ACTOR, idempotency_keys.c.key == KEY)


def claimed(decision: CTE, permitted: ColumnElement[bool]) -> CTE:
    """Return the key as taken for this change; nothing if another request was faster."""
    claim = select(ACTOR, KEY, REQUEST, decision.c.id, next_version(decision)).where(permitted)
    columns = ["actor", "key", "request", "ticket", "version"]
    return (
        insert_or_nothing(idempotency_keys)
        .from_select(columns, claim)
        .on_conflict_do_nothing()
        .returning(idempotency_keys.c.key)
        .cte("claimed")
    )


def moved_ticket(decision: CTE, permitted: ColumnElement[bool]) -> CTE:
    """Return the ticket in its new status, its history's new head included."""
    head = digest(decision.c.head_digest, entry_of(decision))
    return (
        update(tickets)
        .values(
            status=TARGET,
            version=next_version(decision),
            updated_at=decision.c.at,
            head_digest=head,
            auto_close_from=auto_close_from(decision),
        )
        .where(tickets.c.id == decision.c.id, permitted)
        .returning(*(tickets.c[name] for name in ("id", "head_digest", *MOVING_COLUMNS)))
        .cte("moved")
    )


def auto_close_from(decision: CTE) -> ColumnElement[object]:
    """Return when the grace period begins: with the move, if it leads to RESOLVED."""
    to_resolved = literal_column(str(Status.RESOLVED.ordinal)) == TARGET_ORDINAL
    return case((to_resolved, decision.c.at), else_=null())


def recorded_entry(decision: CTE, moved: CTE) -> CTE:
    """Return the history entry of the move."""
    values = entry_of(decision) | {"digest": moved.c.head_digest}
    entry = select(*values.values()).select_from(decision.join(moved, moved.c.id == decision.c.id))
    return insert(ticket_status_history).from_select(list(values), entry).cte("recorded")


def answered(decision: CTE, moved: CTE) -> Select[tuple[object, ...]]:
    """Return the ticket as it now is, whether it was moved, and what that was decided on."""
    ticket = (
        func.coalesce(moved.c[column.name], decision.c[column.name]).label(column.name)
        if column.name in MOVING_COLUMNS
        else decision.c[column.name]
        for column in TICKET_COLUMNS
    )
    facts = (
        decision.c[name] for name in ("policy", "display_name", "retired", "actor_bits", "why_off")
    )
    has_moved = moved.c.id.is_not(None).label("moved")
    joined = decision.outerjoin(moved, literal_column("true"))
    return select(*ticket, *facts, decision.c.verdict, has_moved).select_from(joined)


def entry_of(decision: CTE) -> dict[str, ColumnElement[object]]:
    """Return the columns of the entry that records the move."""
    return {
        "ticket": decision.c.id,
        "seq": next_version(decision),
        "at": decision.c.at,
        "actor": ACTOR,
        "kind": literal_column(f"'{EntryKind.STATUS}'", Text),
        "old_value": decision.c.status,
        "new_value": TARGET,
        "actor_bits": decision.c.actor_bits,
        "workflow_revision": decision.c.revision,
        "details": null(),
    }


def next_version(decision: CTE) -> ColumnElement[int]:
    """Return the ticket's version after the move."""
    return decision.c.version + literal_column("1")
