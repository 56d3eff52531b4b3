"""Count live tickets with an index-only scan, which is fast with a million tickets."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import ARRAY, Text, bindparam, func, select, text

from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import tickets
from engine.vocabulary import Status

_COUNT: Final = Statement.of(
    select(tickets.c.workflow, tickets.c.status, func.count().label("tickets"))
    .where(tickets.c.status != text("'CLOSED'"))
    .group_by(tickets.c.workflow, tickets.c.status)
)
_EXAMPLES: Final = Statement.of(
    text(
        "SELECT pair.workflow, pair.status, example.id"
        " FROM unnest(CAST(:workflows AS text[]), CAST(:statuses AS text[]))"
        " AS pair(workflow, status)"
        " CROSS JOIN LATERAL (SELECT id FROM tickets WHERE tickets.workflow = pair.workflow"
        " AND tickets.status = pair.status AND tickets.status <> 'CLOSED' LIMIT :most) AS example"
    ).bindparams(
        bindparam("workflows", type_=ARRAY(Text)),
        bindparam("statuses", type_=ARRAY(Text)),
        bindparam("most"),
    )
)

WorkflowStatus = tuple[str, Status]
"""The name of a workflow, and a status other than CLOSED."""


async def count_live_tickets(database: Database | Session) -> dict[WorkflowStatus, int]:
    """Return the number of live tickets in each workflow and status that has any."""
    rows = await database.rows(_COUNT)
    return {(row["workflow"], Status(row["status"])): row["tickets"] for row in rows}


async def find_example_tickets(
    database: Database | Session, pairs: Iterable[WorkflowStatus], most: int
) -> dict[WorkflowStatus, list[str]]:
    """Return the ids of up to `most` live tickets of each pair."""
    wanted = sorted(set(pairs))
    found: dict[WorkflowStatus, list[str]] = {pair: [] for pair in wanted}
    names, statuses = [name for name, _ in wanted], [status.value for _, status in wanted]
    rows = await database.rows(_EXAMPLES, workflows=names, statuses=statuses, most=most)
    for row in rows:
        found[row["workflow"], Status(row["status"])].append(row["id"])
    return found
