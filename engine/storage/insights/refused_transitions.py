"""How often transitions were refused, per day: recorded after the fact, kept for some months."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy import ARRAY, BigInteger, Interval, Text, bindparam, text

from engine.limits import INSIGHT_ROWS, REFUSAL_DAYS
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.tickets.insights import RefusedTransition
from engine.tickets.refusal_counts import Refusal, RefusalCounts

# In the order of the key, so that two servers lock the rows in the same order.
_RECORD: Final = Statement.of(
    text(
        "INSERT INTO refused_transitions (day, workflow, source, target, reason, times)"
        " SELECT CAST(clock_timestamp() AT TIME ZONE 'UTC' AS date),"
        " workflow, source, target, reason, times"
        " FROM unnest(CAST(:workflows AS text[]), CAST(:sources AS text[]),"
        " CAST(:targets AS text[]), CAST(:reasons AS text[]), CAST(:times AS bigint[]))"
        " AS counted(workflow, source, target, reason, times)"
        " ORDER BY workflow, source, target, reason"
        " ON CONFLICT (day, workflow, source, target, reason)"
        " DO UPDATE SET times = refused_transitions.times + excluded.times"
    ).bindparams(
        *(
            bindparam(name, type_=ARRAY(Text))
            for name in ("workflows", "sources", "targets", "reasons")
        ),
        bindparam("times", type_=ARRAY(BigInteger)),
    )
)
_DELETE_OLD: Final = Statement.of(
    text(
        "DELETE FROM refused_transitions"
        " WHERE day < CAST(clock_timestamp() AT TIME ZONE 'UTC' AS date) - :age"
    ).bindparams(bindparam("age", type_=Interval))
)
_READ: Final = Statement.of(
    text(
        "SELECT workflow, source, target, reason, CAST(sum(times) AS bigint) AS times"
        " FROM refused_transitions"
        " WHERE day > CAST(clock_timestamp() AT TIME ZONE 'UTC' AS date) - :period"
        " GROUP BY workflow, source, target, reason"
        " ORDER BY sum(times) DESC, workflow, source, target, reason LIMIT :most"
    ).bindparams(bindparam("period", type_=Interval), bindparam("most"))
)


async def read_refusals(database: Database, period: timedelta) -> list[RefusedTransition]:
    """Return the transitions that were refused most often in a period of whole days."""
    rows = await database.rows(_READ, period=period, most=INSIGHT_ROWS)
    return [
        RefusedTransition(
            Refusal(row["workflow"], row["source"], row["target"], row["reason"]), row["times"]
        )
        for row in rows
    ]


async def record_refusals(database: Database, counts: RefusalCounts) -> None:
    """Add counts to those of today, and delete old days.

    The counts of a server that ends before the next run are lost.
    """
    taken = counts.take()
    try:
        async with database.transaction() as session:
            if taken:
                await session.run(_RECORD, **_columns(taken))
            await session.run(_DELETE_OLD, age=timedelta(days=REFUSAL_DAYS))
    except BaseException:
        counts.put_back(taken)
        raise


def _columns(counts: Mapping[Refusal, int]) -> dict[str, object]:
    """Return counts as one array for each column."""
    workflows, sources, targets, reasons = map(list, zip(*counts, strict=True))
    return {
        "workflows": workflows,
        "sources": sources,
        "targets": targets,
        "reasons": reasons,
        "times": list(counts.values()),
    }
