"""Count live tickets with an index-only scan, which is fast with a million tickets."""

from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import ARRAY, Text, bindparam, func, select, text

from engine.resources.resource import Key, Kind
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
_OF_GROUPS: Final = Statement.of(
    text(
        "SELECT declared.kind, declared.name, tickets.status, count(*) AS tickets,"
        " (array_agg(tickets.id ORDER BY tickets.id))[1:CAST(:most AS int)] AS examples"
        " FROM unnest(CAST(:kinds AS text[]), CAST(:names AS text[]), CAST(:groups AS text[]))"
        " AS declared(kind, name, assignee_group)"
        " JOIN tickets ON declared.name ="
        " CASE declared.kind WHEN 'item' THEN tickets.item ELSE tickets.service END"
        " AND tickets.assignee_group IS NOT DISTINCT FROM declared.assignee_group"
        " WHERE tickets.status <> 'CLOSED'"
        " GROUP BY declared.kind, declared.name, tickets.status"
        " ORDER BY declared.kind, declared.name, tickets.status"
    ).bindparams(
        *(bindparam(name, type_=ARRAY(Text)) for name in ("kinds", "names", "groups")),
        bindparam("most"),
    )
)

WorkflowStatus = tuple[str, Status]
"""The name of a workflow, and a status other than CLOSED."""
CountsWithExamples = tuple[dict[Status, int], tuple[str, ...]]
"""The number of tickets in each status that has any, and the ids of some of them."""


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


async def count_tickets_of_groups(
    database: Database | Session, groups: Mapping[Key, str | None], most: int
) -> dict[Key, CountsWithExamples]:
    """Return the live tickets of items and services that have an assignee group.

    Args:
        database: the database.
        groups: the group of each item or service; None for tickets without a group.
        most: how many ids to return for each.

    """
    kinds, names = [key.kind.value for key in groups], [key.name for key in groups]
    rows = await database.rows(
        _OF_GROUPS, kinds=kinds, names=names, groups=list(groups.values()), most=most
    )
    found: dict[Key, CountsWithExamples] = {}
    for row in rows:
        key = Key(Kind(row["kind"]), row["name"])
        counts, examples = found.get(key, ({}, ()))
        counts[Status(row["status"])] = row["tickets"]
        found[key] = counts, (*examples, *row["examples"])[:most]
    return found
