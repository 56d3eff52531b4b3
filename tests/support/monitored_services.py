"""Declares monitored services, reports their health, and reads their tickets."""

from engine.declaration.models import Service
from engine.outages.health_report import HealthReport
from engine.resources.resource import Kind, Resource
from engine.storage.history.changes import read_histories
from engine.storage.outages.health import record_reports
from engine.storage.outages.reconcile_tickets import OutageResult, handle_service
from engine.storage.postgres.database import Database
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.search import find_tickets
from engine.tickets.history import Entry
from engine.tickets.search import PageRequest
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from tests.support.declared_resources import put_resources

PATH = "acme/shop/payment-api"


def service(path: str = PATH, **more: object) -> Resource:
    declared = {"path": path, "slaGroup": "payment-team", "autoTicket": True} | more
    return Resource.of(Kind.SERVICE, path, Service.model_validate(declared))


async def declare_service(database: Database, path: str = PATH, **more: object) -> None:
    await put_resources(database, [service(path, **more)])


async def report(
    database: Database, status: str, path: str = PATH, key: str | None = None, **more: object
) -> OutageResult:
    """Report the status of a service, and handle it."""
    await record(database, status, path, key, **more)
    return await handle_service(database, path)


async def record(
    database: Database, status: str, path: str = PATH, key: str | None = None, **more: object
) -> None:
    report = HealthReport.parse(path=path, status=status, **more)
    await record_reports(database, path, [report], key)


async def open_outage(database: Database) -> Ticket:
    """Declare a service, report it DOWN, and return the ticket that is opened for it."""
    await declare_service(database)
    return await read_ticket(database, SYSTEM_VIEWER, str((await report(database, "DOWN")).ticket))


async def outage_tickets(database: Database, path: str = PATH) -> list[Ticket]:
    """Return the tickets of a service, oldest first."""
    page = await find_tickets(database, SYSTEM_VIEWER, {"service": path}, PageRequest(100))
    return list(reversed(page.tickets))


async def history(database: Database, ticket: str | None) -> list[Entry]:
    assert ticket is not None
    return (await read_histories(database, [ticket]))[ticket]
