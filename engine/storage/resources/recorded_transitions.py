"""The transitions that people made in the last days, counted by what decided on them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Interval, bindparam, text

from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.statements import Statement
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


@dataclass(frozen=True, slots=True)
class RecordedMoves:
    """Transitions of the same kind that did happen.

    Attributes:
        held: what the actors were towards the tickets.
        times: how many.
        actors: how many people made them; `examples` has the ids of a few.

    """

    workflow: str
    source: Status
    target: Status
    held: ActorRoles
    times: int
    actors: int
    examples: tuple[str, ...]


async def recorded_moves(database: Database | Session, window: timedelta) -> list[RecordedMoves]:
    """Return what people did in the last `window`; what `system` did follows other rules."""
    return [
        RecordedMoves(
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
