"""The transitions that people made in the last days, counted by what decided on them."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Interval, bindparam, text

from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.statements import Statement
from engine.tickets.history import RecordedTransitions
from engine.vocabulary import ActorRoles, Status

COUNT: Final = Statement.of(
    text(
        "SELECT tickets.workflow, moved.old_value, moved.new_value, moved.actor_bits,"
        " count(*) AS times, count(DISTINCT moved.actor) AS actors,"
        " (array_agg(DISTINCT moved.actor))[1:3] AS examples"
        " FROM ticket_status_history AS moved JOIN tickets ON tickets.id = moved.ticket"
        " WHERE moved.kind = 'status' AND moved.actor <> 'system'"
        " AND moved.at >= clock_timestamp() - :window"
        " GROUP BY tickets.workflow, moved.old_value, moved.new_value, moved.actor_bits"
    ).bindparams(bindparam("window", type_=Interval))
)


async def count_recorded_transitions(
    database: Database | Session, window: timedelta
) -> list[RecordedTransitions]:
    """Return what people did in the last `window`; what `system` did follows other rules."""
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
        for row in await database.rows(COUNT, window=window)
    ]
