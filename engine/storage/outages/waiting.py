"""Handles the services whose status waited to be handled; runs periodically on every server."""

from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy import Integer, Text, and_, bindparam, case, exists, literal_column, select

from engine.storage.outages.reconcile_tickets import IS_LIVE, SERVICE_STATES, state_of, try_handle
from engine.storage.outages.unhandled import UNHANDLED
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import (
    service_health,
    services,
    ticket_status_history,
    tickets,
    workflows,
)
from engine.vocabulary import SYSTEM

_BATCH_SERVICES: Final = 500

_CAN_OPEN: Final = and_(
    services.c.retired_at.is_(None),
    services.c.declaration["autoTicket"].as_boolean(),
    workflows.c.name.is_not(None),
    workflows.c.retired_at.is_(None),
)
_TICKET_WORKFLOW: Final = workflows.alias("ticket_workflow")
_CANNOT_CLOSE: Final = (
    select(tickets.c.id)
    .join(_TICKET_WORKFLOW, _TICKET_WORKFLOW.c.name == tickets.c.workflow)
    .where(
        tickets.c.service == service_health.c.service,
        IS_LIVE,
        _TICKET_WORKFLOW.c.retired_at.is_not(None),
        ~exists().where(
            ticket_status_history.c.ticket == tickets.c.id,
            ticket_status_history.c.actor != literal_column(f"'{SYSTEM}'"),
        ),
    )
    .exists()
)
"""The state `WORKFLOW_RETIRED` of `engine.outages.policy.TicketState`."""
_WAITING: Final = Statement.of(
    SERVICE_STATES.where(
        UNHANDLED,
        case((service_health.c.status == "DOWN", _CAN_OPEN), else_=~_CANNOT_CLOSE),
        service_health.c.service > bindparam("after", type_=Text),
    )
    .order_by(service_health.c.service)
    .limit(bindparam("most", type_=Integer))
)


async def handle_waiting_services(database: Database) -> int:
    """Handle every service that no longer has to wait; return how many tickets were written to.

    Each service has its own transaction, so an interruption leaves every service either handled or
    waiting. Servers share the work: they skip the services that another server has locked.

    Raises:
        ExceptionGroup: some services failed; all others are handled.

    """
    count, failed = 0, list[Exception]()
    async for path in _handleable_services(database):
        try:
            async with database.transaction() as session:
                result = await try_handle(session, path, skip_locked=True)
            count += result is not None and result.action.writes
        except Exception as error:  # noqa: BLE001  # one service must not block the others
            failed.append(error)
    if failed:
        raise ExceptionGroup("Some services could not be handled", failed)
    return count


async def _handleable_services(database: Database) -> AsyncIterator[str]:
    after = ""
    while rows := await database.rows(_WAITING, after=after, most=_BATCH_SERVICES):
        for row in rows:
            if state_of(row).needs_handling:
                yield row["service"]
        after = rows[-1]["service"]
