"""How many tickets met their SLA targets, among the newest tickets of a period."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Interval, bindparam, text

from engine.limits import INSIGHT_ROWS, INSIGHT_TICKETS
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.tickets.insights import SlaCompliance

_READ: Final = Statement.of(
    text(
        "WITH latest AS MATERIALIZED ("
        " SELECT priority, assignee_group, sla_version,"
        " response_breached OR resolution_breached AS missed,"
        " status IN ('RESOLVED', 'CLOSED') AS resolved"
        " FROM tickets WHERE created_at >= clock_timestamp() - :period"
        " ORDER BY created_at DESC, id DESC LIMIT :tickets"
        ")"
        " SELECT CASE grouping(priority) WHEN 0 THEN 'priority' ELSE 'group' END AS dimension,"
        " coalesce(priority, assignee_group) AS name,"
        " count(*) FILTER (WHERE NOT missed AND resolved) AS met,"
        " count(*) FILTER (WHERE missed) AS missed,"
        " count(*) FILTER (WHERE NOT missed AND NOT resolved) AS running"
        " FROM latest WHERE sla_version IS NOT NULL"
        " GROUP BY GROUPING SETS ((priority), (assignee_group))"
        " ORDER BY dimension DESC, count(*) DESC, name LIMIT :most"
    ).bindparams(bindparam("period", type_=Interval), bindparam("tickets"), bindparam("most"))
)


async def read_sla_compliance(
    database: Database, period: timedelta, tickets: int = INSIGHT_TICKETS
) -> list[SlaCompliance]:
    """Return the compliance of the tickets that were created in a period.

    By priority first, then by assignee group; those with the most tickets come first.
    """
    rows = await database.rows(_READ, period=period, tickets=tickets, most=INSIGHT_ROWS)
    return [
        SlaCompliance(row["dimension"], row["name"], row["met"], row["missed"], row["running"])
        for row in rows
    ]
