"""Count the recorded transitions of users, for the replay of a plan."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Interval, bindparam, text

from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.statements import Statement
from engine.tickets.history import RecordedTransitions
from engine.vocabulary import ActorRoles, Status

_COUNT: Final = Statement.of(
    text(
        "SELECT tickets.workflow, entry.old_value, entry.new_value, entry.actor_bits,"
        " count(*) AS times, count(DISTINCT entry.actor) AS actors,"
        " (array_agg(DISTINCT entry.actor))[1:3] AS examples"
        " FROM ticket_status_history AS entry JOIN tickets ON tickets.id = entry.ticket"
        " WHERE entry.kind = 'status' AND entry.actor <> 'system'"
        " AND entry.at >= clock_timestamp() - :window"
        " GROUP BY tickets.workflow, entry.old_value, entry.new_value, entry.actor_bits"
    ).bindparams(bindparam("window", type_=Interval))
)


async def count_recorded_transitions(
    database: Database | Session, window: timedelta
) -> list[RecordedTransitions]:
    """Return the transitions that users made in the last `window`; `system` has other rules."""
    return [
        RecordedTransitions(
            workflow=row["workflow"],
            source=Status(row["old_value"]),
            target=Status(row["new_value"]),
            held=ActorRoles(row["actor_bits"]),
            times=row["times"],
            actors=row["actors"],
            examples=tuple(row["examples"]),
        )
        for row in await database.rows(_COUNT, window=window)
    ]
