"""The transition: one statement that decides, updates the ticket and records it, or does nothing.

    current  the locked ticket with its workflow's policy and the actor's roles;
             no row if the viewer cannot read the ticket
    decision the same with a verdict
    claim    the idempotency key, if there is one
    updated  the ticket in its new status, if the verdict allows it
    recorded the new history entry

The statement returns the resulting ticket with the verdict and the values that decided it, so that
a refusal is explained from exactly those values, without another query.
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
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

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

    ALLOWED = "allowed"
    PLUGIN_OFF = "plugin_off"
    FORBIDDEN = "forbidden"
    VERSION_CONFLICT = "version_conflict"
    REPEATED = "repeated"


_UPDATED_COLUMNS: Final = ("status", "version", "updated_at")

_TICKET: Final = bindparam("ticket", type_=Text)
_ACTOR: Final = bindparam("actor", type_=Text)
_ADMIN_BIT: Final = bindparam("admin_bit", type_=Integer)
_TARGET: Final = bindparam("target", type_=Text)
_TARGET_ORDINAL: Final = bindparam("target_ordinal", type_=Integer)
_EXPECTED_VERSION: Final = bindparam("expected_version", type_=Integer)
_KEY: Final = bindparam("key", type_=Text)
_REQUEST: Final = bindparam("request", type_=LargeBinary)


@cache
def transition_statement(*, keyed: bool, sees_all: bool) -> Statement:
    """Return the statement.

    Args:
        keyed: the request has an idempotency key.
        sees_all: the viewer can read every ticket.

    """
    decision = _decide(_lock_ticket(sees_all=sees_all), keyed=keyed)
    allowed: ColumnElement[bool] = decision.c.verdict == _verdict(Verdict.ALLOWED)
    claims: tuple[CTE, ...] = ()
    if keyed:
        claims = (_claim_key(decision, allowed),)
        allowed = and_(allowed, exists().select_from(claims[0]))
    updated = _update_ticket(decision, allowed)
    recorded = _record_entry(decision, updated)
    return Statement.of(_result(decision, updated).add_cte(*claims, recorded))


def _lock_ticket(*, sees_all: bool) -> CTE:
    roles = actor_bits(tickets.c.requester, tickets.c.assignee, _ACTOR, _ADMIN_BIT)
    return (
        select(
            tickets,
            workflows.c.policy,
            workflows.c.display_name,
            workflows.c.revision,
            workflows.c.retired_at.is_not(None).label("retired"),
            TICKETING_OFF_REASON.label("off_reason"),
            roles.label("actor_bits"),
        )
        .join(workflows)
        .where(tickets.c.id == _TICKET, *([] if sees_all else [INVOLVED]))
        .with_for_update(of=tickets)
        .cte("current")
    )


def _decide(current: CTE, *, keyed: bool) -> CTE:
    """Return the ticket with the verdict and the time of the change."""
    permitted = and_(
        ~current.c.retired,
        current.c.status != literal_column(f"'{Status.CLOSED}'"),
        permits(current.c.policy, ordinal(current.c.status), _TARGET_ORDINAL, current.c.actor_bits),
    )
    first: list[tuple[ColumnElement[bool], ColumnElement[str]]] = [
        (current.c.off_reason.is_not(None), _verdict(Verdict.PLUGIN_OFF))
    ]
    if keyed:
        keys = idempotency_keys.c
        is_taken = exists().where(keys.actor == _ACTOR, keys.key == _KEY)
        first.append((is_taken, _verdict(Verdict.REPEATED)))
    verdict = case(
        *first,
        (current.c.version != _EXPECTED_VERSION, _verdict(Verdict.VERSION_CONFLICT)),
        (permitted, _verdict(Verdict.ALLOWED)),
        else_=_verdict(Verdict.FORBIDDEN),
    )
    now = func.greatest(func.clock_timestamp(), current.c.updated_at)
    return select(current, verdict.label("verdict"), now.label("at")).cte("decision")


def _verdict(value: Verdict) -> ColumnElement[str]:
    return literal_column(f"'{value}'", Text)


def _claim_key(decision: CTE, allowed: ColumnElement[bool]) -> CTE:
    """Insert the key with the result of the change; no row if another request was faster."""
    claim = select(_ACTOR, _KEY, _REQUEST, decision.c.id, _next_version(decision)).where(allowed)
    return (
        insert(idempotency_keys)
        .from_select(["actor", "key", "request", "ticket", "version"], claim)
        .on_conflict_do_nothing()
        .returning(idempotency_keys.c.key)
        .cte("claim")
    )


def _update_ticket(decision: CTE, allowed: ColumnElement[bool]) -> CTE:
    to_resolved = literal_column(str(Status.RESOLVED.ordinal)) == _TARGET_ORDINAL
    return (
        update(tickets)
        .values(
            status=_TARGET,
            version=_next_version(decision),
            updated_at=decision.c.at,
            head_digest=digest(decision.c.head_digest, _entry(decision)),
            auto_close_from=case((to_resolved, decision.c.at), else_=null()),
        )
        .where(tickets.c.id == decision.c.id, allowed)
        .returning(*(tickets.c[name] for name in ("id", "head_digest", *_UPDATED_COLUMNS)))
        .cte("updated")
    )


def _record_entry(decision: CTE, updated: CTE) -> CTE:
    values = _entry(decision) | {"digest": updated.c.head_digest}
    joined = decision.join(updated, updated.c.id == decision.c.id)
    entry = select(*values.values()).select_from(joined)
    return insert(ticket_status_history).from_select(list(values), entry).cte("recorded")


def _result(decision: CTE, updated: CTE) -> Select[tuple[object, ...]]:
    """Return the resulting ticket, whether it was updated, and what decided that."""
    ticket = (
        func.coalesce(updated.c[column.name], decision.c[column.name]).label(column.name)
        if column.name in _UPDATED_COLUMNS
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


def _entry(decision: CTE) -> dict[str, ColumnElement[object]]:
    """Return the columns of the history entry, without its digest."""
    return {
        "ticket": decision.c.id,
        "seq": _next_version(decision),
        "at": decision.c.at,
        "actor": _ACTOR,
        "kind": literal_column(f"'{EntryKind.STATUS}'", Text),
        "old_value": decision.c.status,
        "new_value": _TARGET,
        "actor_bits": decision.c.actor_bits,
        "workflow_revision": decision.c.revision,
        "details": null(),
    }


def _next_version(decision: CTE) -> ColumnElement[int]:
    return decision.c.version + literal_column("1")
