"""How long tickets stayed in statuses, and which transitions users made.

The statement reads the newest entries of the log, at most `INSIGHT_ENTRIES` of them, however long
the period is. So its time is bounded: one scan of the index of the log, and for each transition
one search for the entry with which the ticket entered the status.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import Interval, bindparam, text

from engine.limits import INSIGHT_ENTRIES
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.tickets.insights import StatusTime, TransitionInsights, UsedTransition
from engine.vocabulary import Status

_READ: Final = Statement.of(
    text(
        "WITH latest AS MATERIALIZED ("
        " SELECT ticket, seq, at, actor, kind, old_value,"
        " CASE kind WHEN 'status' THEN new_value END AS new_value"  # and not the texts of comments
        " FROM ticket_status_history"
        " ORDER BY transaction DESC, entry DESC LIMIT :entries"
        "), stays AS ("
        " SELECT tickets.workflow, latest.old_value AS source, latest.new_value AS target,"
        " latest.actor, CAST(extract(epoch FROM latest.at - entered.at) AS float8) AS seconds"
        " FROM latest JOIN tickets ON tickets.id = latest.ticket CROSS JOIN LATERAL ("
        " SELECT earlier.at FROM ticket_status_history AS earlier"
        " WHERE earlier.ticket = latest.ticket AND earlier.seq < latest.seq"
        " AND earlier.kind IN ('created', 'status') ORDER BY earlier.seq DESC LIMIT 1"
        " ) AS entered"
        " WHERE latest.kind = 'status' AND latest.at >= clock_timestamp() - :period"
        ")"
        " SELECT workflow, source, target, count(*) AS times,"
        " count(*) FILTER (WHERE actor <> 'system') AS by_users,"
        " percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY seconds) AS seconds,"
        " (SELECT min(at) FROM latest) AS read_since"
        " FROM stays GROUP BY GROUPING SETS ((workflow, source), (workflow, source, target))"
        " ORDER BY workflow, source, target"
    ).bindparams(bindparam("period", type_=Interval), bindparam("entries"))
)


async def read_transition_insights(
    database: Database, period: timedelta, entries: int = INSIGHT_ENTRIES
) -> TransitionInsights:
    """Return the transitions of a period, among the newest entries of the log."""
    rows = await database.rows(_READ, period=period, entries=entries)
    return TransitionInsights(
        stays=[
            StatusTime(
                row["workflow"],
                Status(row["source"]),
                row["times"],
                *(timedelta(seconds=each) for each in row["seconds"]),
            )
            for row in rows
            if row["target"] is None
        ],
        used=[
            UsedTransition(
                row["workflow"], Status(row["source"]), Status(row["target"]), row["by_users"]
            )
            for row in rows
            if row["target"] is not None
        ],
        read_since=rows[0]["read_since"] if rows else None,
    )
