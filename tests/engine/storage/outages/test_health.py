"""The health of a service follows from the reports of all its sources."""

import pytest

from engine.errors import NotFound
from engine.outages.policy import OutageAction
from engine.storage.postgres.database import Database
from tests.support.monitored_services import (
    PATH,
    declare_service,
    report,
)


async def test_a_service_is_operational_when_every_source_reports_it(database: Database) -> None:
    await declare_service(database)
    await report(database, "DOWN", source="probe", message="No answer")
    await report(database, "DEGRADED", source="latency", message="Slow")
    await report(database, "OPERATIONAL", source="probe")
    result = await report(database, "DEGRADED", source="latency", message="Slow")
    assert (result.health.status, result.health.message) == ("DEGRADED", "Slow")
    assert (await report(database, "OPERATIONAL", source="latency")).action is OutageAction.CLOSE


async def test_maintenance_opens_no_ticket(database: Database) -> None:
    await declare_service(database)
    await report(database, "MAINTENANCE", source="calendar")
    result = await report(database, "DOWN", source="probe")
    assert (result.health.status, result.action) == ("MAINTENANCE", OutageAction.NOTHING)
    assert (await report(database, "OPERATIONAL", source="calendar")).action is OutageAction.OPEN


async def test_an_undeclared_service_is_not_found(database: Database) -> None:
    await declare_service(database)
    with pytest.raises(NotFound) as refused:
        await report(database, "DOWN", "acme/shop/payment-apy")
    assert f"Did you mean '{PATH}'?" in refused.value.message
