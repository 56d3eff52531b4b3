"""The uptime of services, from what is recorded of their statuses."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from engine.declaration.models import Service
from engine.outages.uptime import Uptime, uptime, uptime_period
from engine.storage.outages.health_intervals import read_health
from engine.storage.postgres.database import Database


async def read_uptimes(
    database: Database, services: Sequence[Service], start: datetime, end: datetime
) -> Mapping[str, Uptime]:
    """Return the uptime of services in a period, by path.

    Raises:
        InvalidInput: see `uptime_period`.

    """
    period = uptime_period(start, end)
    recorded = await read_health(database, [each.path for each in services], period)
    return {each.path: uptime(recorded.intervals.get(each.path, ()), period) for each in services}
