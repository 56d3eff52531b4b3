"""Opens, re-opens and closes outage tickets, as `engine.outages.policy` decides.

A service is handled in one transaction. It locks, in this order, all tickets (shared), the health
of the service, and its latest ticket. So two reports of a service never run concurrently, and a
user's change of the ticket is committed before the decision whether a user has acted on it.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Final

from sqlalchemy import Text, bindparam, cast, func, literal_column, select, update

from engine.declaration.models import Service
from engine.outages.maintenance import last_boundary
from engine.outages.policy import (
    OUTAGE_PRIORITY,
    OutageAction,
    OutageTicket,
    ServiceState,
    WaitReason,
    decide,
    outage_change,
    outage_opening,
    wait_reason,
)
from engine.storage.history.changes import read_histories
from engine.storage.outages.health import ServiceHealth, follow_windows
from engine.storage.outages.maintenance import windows_of_service
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.locks import lock_tickets_shared
from engine.storage.postgres.rows import ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import service_health, services, tickets, workflows
from engine.storage.resources.plugins import TICKETING_ENABLED
from engine.storage.resources.sla_terms import read_terms
from engine.storage.tickets.create import create_ticket
from engine.storage.tickets.writer import append_entries
from engine.tickets.changes import build_entries
from engine.tickets.system_actor import SYSTEM_ACTOR
from engine.vocabulary import ServiceStatus, Status

SERVICE_STATES: Final = (
    select(
        service_health,
        cast(services.c.declaration, Text).label("declaration"),
        services.c.retired_at.is_not(None).label("retired"),
        workflows.c.name.is_not(None).label("workflow_known"),
        workflows.c.retired_at.is_not(None).label("workflow_retired"),
        TICKETING_ENABLED.label("enabled"),
        func.clock_timestamp().label("now"),
    )
    .select_from(service_health)
    .join(services)
    .outerjoin(workflows, workflows.c.name == services.c.declaration["workflow"].as_string())
)
IS_LIVE: Final = tickets.c.status != literal_column(f"'{Status.CLOSED}'")

_LATEST_TICKET: Final = Statement.of(
    select(tickets, workflows.c.revision, workflows.c.retired_at.is_not(None).label("retired"))
    .join(workflows)
    .where(tickets.c.service == bindparam("service_path"))
    .order_by(tickets.c.created_at.desc(), tickets.c.id.desc())
    .limit(1)
    .with_for_update(of=tickets)
)
_LIVE_TICKET: Final = Statement.of(
    select(tickets.c.id).where(tickets.c.service == bindparam("service_path"), IS_LIVE)
)
_SET_HANDLED: Final = Statement.of(
    update(service_health)
    .where(service_health.c.service == bindparam("service_path"))
    .values(last_handled_status=bindparam("handled"))
)


@dataclass(frozen=True, slots=True)
class OutageResult:
    """What was done about the status of a service.

    Attributes:
        wait_reason: why the service waits; None if it does not.
        ticket: the id of the ticket that was written to, or else of the live ticket, if any.

    """

    health: ServiceHealth
    action: OutageAction
    wait_reason: WaitReason | None
    ticket: str | None


@dataclass(frozen=True, slots=True)
class _LockedTicket(OutageTicket):
    """The latest outage ticket of a service, locked.

    Attributes:
        head: the digest of its latest entry.
        revision: the current revision of its workflow.

    """

    head: bytes
    revision: int


async def handle_service(database: Database, path: str, *, licensed: bool = True) -> OutageResult:
    """Bring the tickets of a service in line with its reported status.

    Nothing is written while ticketing is switched off or not licensed.

    Raises:
        LookupError: there is no report of the service.

    """
    async with database.transaction() as session:
        result = await try_handle(session, path, licensed=licensed)
    if result is None:
        raise LookupError(path)
    return result


async def try_handle(
    session: Session, path: str, *, licensed: bool = True, skip_locked: bool = False
) -> OutageResult | None:
    """Handle a service; return None if there is no report of it, or if it is locked and skipped."""
    await lock_tickets_shared(session)
    row = await session.row(_lock_service(skip_locked=skip_locked), service_path=path)
    if row is None:
        return None
    state = state_of(row, licensed=licensed)
    if state.needs_handling:
        row = await _follow_windows(session, row)
        state = state_of(row, licensed=licensed)
    latest = await _lock_latest_ticket(session, path) if state.needs_handling else None
    action = decide(state, latest)
    ticket = await _write(session, action, state, latest)
    handled = state.last_handled_after(action)
    if handled is not state.last_handled_status:
        await session.run(_SET_HANDLED, service_path=path, handled=handled)
    if ticket is None and (live := await session.row(_LIVE_TICKET, service_path=path)):
        ticket = live["id"]
    why = wait_reason(state) if action is OutageAction.WAIT else None
    return OutageResult(ServiceHealth.of(row), action, why, ticket)


async def _follow_windows(session: Session, row: Row) -> Row:
    """Return the state of a service after the last start or end of a maintenance window."""
    windows = await windows_of_service(session, row["service"], row["since"])
    if last_boundary(windows, row["since"], row["now"]) is None:
        return row
    health = dict(row) | {"reported_at": row["now"]}
    await follow_windows(session, health, windows)
    [followed] = await session.rows(_lock_service(skip_locked=False), service_path=row["service"])
    return followed


@cache
def _lock_service(*, skip_locked: bool) -> Statement:
    return Statement.of(
        SERVICE_STATES.where(service_health.c.service == bindparam("service_path")).with_for_update(
            of=service_health, skip_locked=skip_locked
        )
    )


def state_of(row: Row, *, licensed: bool = True) -> ServiceState:
    """Return a row of `SERVICE_STATES` as a value."""
    handled = row["last_handled_status"]
    return ServiceState(
        status=ServiceStatus(row["status"]),
        since=row["since"],
        message=row["message"],
        last_handled_status=None if handled is None else ServiceStatus(handled),
        service=Service.model_validate(json.loads(row["declaration"])),
        retired=row["retired"],
        workflow_known=row["workflow_known"],
        workflow_retired=row["workflow_retired"],
        enabled=row["enabled"] and licensed,
        now=row["now"],
        api_key=row["api_key"],
    )


async def _lock_latest_ticket(session: Session, path: str) -> _LockedTicket | None:
    row = await session.row(_LATEST_TICKET, service_path=path)
    if row is None:
        return None
    # Read after the lock is held, so that it includes the changes that the lock waited for.
    history = (await read_histories(session, [row["id"]]))[row["id"]]
    return _LockedTicket(
        ticket_of(row), history, row["retired"], row["head_digest"], row["revision"]
    )


async def _write(
    session: Session, action: OutageAction, state: ServiceState, latest: _LockedTicket | None
) -> str | None:
    """Do what was decided; return the id of the ticket that was written to."""
    if action is OutageAction.OPEN:
        opening = outage_opening(state, await read_terms(session, OUTAGE_PRIORITY))
        return (await create_ticket(session, SYSTEM_ACTOR, opening)).id
    if latest is None or not action.writes:
        return None
    change = outage_change(action, state, latest.ticket)
    entries = build_entries(latest.ticket, [change], SYSTEM_ACTOR, state.now, latest.revision)
    return (await append_entries(session, latest.ticket, latest.head, entries)).id
