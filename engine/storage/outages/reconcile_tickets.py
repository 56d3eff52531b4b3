"""The tickets of outages: opened, re-opened and closed as `engine.outages.policy` says.

One service is answered in one transaction that locks, in this order, all tickets (shared), its
health, and its latest ticket: so two reports of it never meet, and what a person is doing to the
ticket is done before it is judged whether anybody touched it.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from sqlalchemy import (
    Integer,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal_column,
    select,
    text,
    update,
)

from engine.declaration.models import Service
from engine.outages.policy import (
    ACTIVE_PHASES,
    PASSIVE_ACTIONS,
    PRIORITY,
    OutageAction,
    OutageTicket,
    ServiceState,
    WaitReason,
    decide,
    outage_change,
    outage_opening,
    wait_reason,
)
from engine.storage.history.changes import HISTORIES
from engine.storage.outages.health import ServiceHealth
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.locks import lock_tickets_shared
from engine.storage.postgres.rows import entry_of, ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import (
    service_health,
    services,
    ticket_status_history,
    tickets,
    workflows,
)
from engine.storage.resources.plugins import TICKETING_ENABLED
from engine.storage.resources.sla_terms import read_terms
from engine.storage.tickets.store import open_ticket
from engine.storage.tickets.writer import append_entries
from engine.tickets.changes import build_entries
from engine.tickets.system_actor import SYSTEM_ACTOR
from engine.vocabulary import SYSTEM, ServiceStatus, Status

BATCH_SERVICES: Final = 500

OUTAGE_WORKFLOW: Final = services.c.declaration["workflow"].as_string()
SITUATIONS: Final = (
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
    .outerjoin(workflows, workflows.c.name == OUTAGE_WORKFLOW)
)
LATEST: Final = Statement.of(
    select(
        tickets,
        workflows.c.revision,
        workflows.c.retired_at.is_not(None).label("frozen"),
    )
    .join(workflows)
    .where(tickets.c.service == bindparam("service_path"))
    .order_by(tickets.c.created_at.desc(), tickets.c.id.desc())
    .limit(1)
    .with_for_update(of=tickets)
)
IS_LIVE: Final = tickets.c.status != literal_column(f"'{Status.CLOSED}'")
LIVE: Final = Statement.of(
    select(tickets.c.id).where(tickets.c.service == bindparam("service_path"), IS_LIVE)
)
SETTLE: Final = Statement.of(
    update(service_health)
    .where(service_health.c.service == bindparam("service_path"))
    .values(last_handled_status=bindparam("by_now"))
)


@dataclass(frozen=True, slots=True)
class OutageResult:
    """What was done about a service.

    Attributes:
        hindrance: why it waits, if it does.
        ticket: the id of the ticket that was written to, or else of the live one, if there is one.

    """

    health: ServiceHealth
    action: OutageAction
    wait_reason: WaitReason | None
    ticket: str | None


async def handle_service(database: Database, path: str, *, licensed: bool = True) -> OutageResult:
    """Bring the tickets of a service in line with what is reported of it, and say what was done.

    Nothing is done while ticketing is off, by the switch or because it is not licensed.

    Raises:
        LookupError: nothing was ever reported of it.

    """
    async with database.transaction() as session:
        answer = await answered(session, path, licensed=licensed)
    if answer is None:
        raise LookupError(path)
    return answer


async def handle_waiting_services(database: Database) -> int:
    """Answer every service that waits no longer, and return how many tickets were written to.

    Each is answered by itself, so whoever dies leaves the others answered or waiting; replicas
    share the work, as what another is answering is passed over.

    Raises:
        ExceptionGroup: of what failed; all the others are answered.

    """
    count, failed = 0, list[Exception]()
    async for path in waiting_services(database):
        try:
            async with database.transaction() as session:
                answer = await answered(session, path, passing_over=True)
            count += answer is not None and answer.action not in PASSIVE_ACTIONS
        except Exception as error:  # noqa: BLE001  # no service keeps another from its ticket
            failed.append(error)
    if failed:
        raise ExceptionGroup("some services could not be answered", failed)
    return count


async def answered(
    session: Session, path: str, *, licensed: bool = True, passing_over: bool = False
) -> OutageResult | None:
    """Answer a service; None if another is doing it, and that is to be passed over."""
    await lock_tickets_shared(session)
    row = await session.row(locking(passing_over=passing_over), service_path=path)
    if row is None:
        return None
    situation = situation_of(row, licensed=licensed)
    latest = await latest_ticket(session, path) if situation.phase in ACTIVE_PHASES else None
    response = decide(situation, latest)
    written = await carry_out(session, response, situation, latest)
    by_now = situation.last_handled_after(response)
    if by_now is not situation.last_handled_status:
        await session.run(SETTLE, service_path=path, by_now=by_now)
    hindrance = wait_reason(situation) if response is OutageAction.WAIT else None
    ticket = written or await live_ticket(session, path)
    return OutageResult(ServiceHealth.of(row), response, hindrance, ticket)


@cache
def locking(*, passing_over: bool) -> Statement:
    """Return the statement that locks a service and tells its situation."""
    return Statement.of(
        SITUATIONS.where(service_health.c.service == bindparam("service_path")).with_for_update(
            of=service_health, skip_locked=passing_over
        )
    )


def situation_of(row: Row, *, licensed: bool = True) -> ServiceState:
    """Return a row of `SITUATIONS`."""
    answered = row["last_handled_status"]
    return ServiceState(
        status=ServiceStatus(row["status"]),
        since=row["since"],
        message=row["message"],
        last_handled_status=None if answered is None else ServiceStatus(answered),
        service=Service.model_validate(json.loads(row["declaration"])),
        retired=row["retired"],
        workflow_known=row["workflow_known"],
        workflow_retired=row["workflow_retired"],
        enabled=row["enabled"] and licensed,
        now=row["now"],
    )


@dataclass(frozen=True, slots=True)
class Latest(OutageTicket):
    """The latest outage ticket of a service, locked.

    Attributes:
        head: the digest of its latest entry.
        revision: of its workflow, in force.

    """

    head: bytes
    revision: int


async def latest_ticket(session: Session, path: str) -> Latest | None:
    """Lock the latest outage ticket of a service and return it, if there is one.

    Its history is read when the lock is held: so it has whatever the lock was waited for.
    """
    row = await session.row(LATEST, service_path=path)
    if row is None:
        return None
    history = [entry_of(each) for each in await session.rows(HISTORIES, tickets=[row["id"]])]
    return Latest(ticket_of(row), history, row["frozen"], row["head_digest"], row["revision"])


async def live_ticket(session: Session, path: str) -> str | None:
    """Return the id of the live ticket of a service, if there is one."""
    row = await session.row(LIVE, service_path=path)
    return None if row is None else row["id"]


async def carry_out(
    session: Session, response: OutageAction, situation: ServiceState, latest: Latest | None
) -> str | None:
    """Do what was decided, and return the id of the ticket that was written to."""
    if response is OutageAction.OPEN:
        opening = outage_opening(situation, await read_terms(session, PRIORITY))
        return (await open_ticket(session, SYSTEM_ACTOR, opening)).id
    if response in PASSIVE_ACTIONS or latest is None:
        return None
    ticket = latest.ticket
    change = outage_change(response, situation, ticket)
    entries = build_entries(ticket, [change], SYSTEM_ACTOR, situation.now, latest.revision)
    return (await append_entries(session, ticket, latest.head, entries)).id


# --- who waits ----------------------------------------------------------------------------------

MAY_OPEN: Final = and_(
    services.c.retired_at.is_(None),
    services.c.declaration["autoTicket"].as_boolean(),
    workflows.c.name.is_not(None),
    workflows.c.retired_at.is_(None),
)
TICKET_WORKFLOW: Final = workflows.alias("ticket_workflow")
IS_FROZEN: Final = (
    select(tickets.c.id)
    .join(TICKET_WORKFLOW, TICKET_WORKFLOW.c.name == tickets.c.workflow)
    .where(
        tickets.c.service == service_health.c.service,
        IS_LIVE,
        TICKET_WORKFLOW.c.retired_at.is_not(None),
        ~exists().where(
            ticket_status_history.c.ticket == tickets.c.id,
            ticket_status_history.c.actor != literal_column(f"'{SYSTEM}'"),
        ),
    )
    .exists()
)
UNANSWERED: Final = text(
    "service_health.status IN ('DOWN', 'OPERATIONAL')"
    " AND service_health.status IS DISTINCT FROM service_health.last_handled_status"
)
"""In the words of the index that serves it."""
WAITING: Final = Statement.of(
    SITUATIONS.where(
        UNANSWERED,
        case((service_health.c.status == "DOWN", MAY_OPEN), else_=~IS_FROZEN),
        service_health.c.service > bindparam("after", type_=Text),
    )
    .order_by(service_health.c.service)
    .limit(bindparam("most", type_=Integer))
)


async def waiting_services(database: Database) -> AsyncIterator[str]:
    """Yield the paths of the services that wait for an answer and need not wait any longer."""
    after = ""
    while rows := await database.rows(WAITING, after=after, most=BATCH_SERVICES):
        for row in rows:
            if situation_of(row).phase in ACTIVE_PHASES:
                yield row["service"]
        after = rows[-1]["service"]
