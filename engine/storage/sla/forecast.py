"""Count the tickets that the periodic jobs on SLA timers will change by a time.

The conditions are those of `auto_close` and `breaches`, which make the changes.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Interval,
    Text,
    bindparam,
    column,
    func,
    select,
    true,
)

from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ID, TIMESTAMP, tickets
from engine.tickets.sla_timers import build_timers
from engine.vocabulary import Status

_BY: Final = bindparam("by", type_=TIMESTAMP)
_MOST: Final = bindparam("most", type_=Integer)
_COMPARED: Final = (
    func.unnest(
        bindparam("names", type_=ARRAY(Text)),
        bindparam("periods", type_=ARRAY(Interval)),
        bindparam("others", type_=ARRAY(Interval)),
    )
    .table_valued(column("workflow", ID), column("period", Interval), column("other", Interval))
    .render_derived(name="compared")
)
_IS_CLOSED_ONLY_BY_ONE: Final[ColumnElement[bool]] = (
    (tickets.c.workflow == _COMPARED.c.workflow)
    & tickets.c.auto_close_from.is_not(None)
    & (tickets.c.auto_close_from < _BY - _COMPARED.c.period)
    & (tickets.c.auto_close_from < _BY - _COMPARED.c.other).is_not(true())
)
_COUNTED: Final = (
    select(func.count().label("tickets"))
    .select_from(tickets)
    .where(_IS_CLOSED_ONLY_BY_ONE)
    .correlate(_COMPARED)
    .lateral("counted")
)
_EXAMPLES: Final = func.array(
    select(tickets.c.id)
    .where(_IS_CLOSED_ONLY_BY_ONE)
    .order_by(tickets.c.auto_close_from)
    .limit(_MOST)
    .correlate(_COMPARED)
    .scalar_subquery(),
    type_=ARRAY(Text),
)
_COUNT_CLOSINGS: Final = Statement.of(
    select(_COMPARED.c.workflow, _COUNTED.c.tickets, _EXAMPLES.label("examples"))
    .join_from(_COMPARED, _COUNTED, true())
    .where(_COUNTED.c.tickets > 0)
)
_IS_INCLUDED: Final = tickets.c.id != func.all(bindparam("excluded", type_=ARRAY(Text)))
_IS_DUE: Final = (
    (tickets.c.next_due_at < _BY) & (tickets.c.sla_version == tickets.c.version) & _IS_INCLUDED
)
_COUNT_DUE: Final = Statement.of(
    select(tickets.c.status, func.count().label("tickets"))
    .where(_IS_DUE)
    .group_by(tickets.c.status)
)
_DUE_EXAMPLES: Final = Statement.of(
    select(tickets.c.id).where(_IS_DUE).order_by(tickets.c.next_due_at).limit(_MOST)
)
_STALE: Final = Statement.of(
    select(tickets.c.id, tickets.c.status).where(
        tickets.c.sla_version != tickets.c.version, _IS_INCLUDED
    )
)


@dataclass(frozen=True, slots=True)
class ComparedPeriods:
    """Two grace periods for the tickets of a workflow; None if `system` closes none of them."""

    workflow: str
    period: timedelta | None
    other: timedelta | None


@dataclass(frozen=True, slots=True)
class CountedTickets:
    """The number of tickets in each status, and the ids of a few."""

    by_status: Mapping[Status, int]
    examples: tuple[str, ...] = ()


async def count_closings(
    session: Session, compared: Iterable[ComparedPeriods], by: datetime, examples: int
) -> dict[str, CountedTickets]:
    """Count, for each workflow, the tickets that only the first of two grace periods closes.

    Args:
        session: the session.
        compared: the two grace periods of each workflow.
        by: the time by which they are closed.
        examples: how many ids to return for each workflow.

    """
    closing = [each for each in compared if each.period is not None]
    rows = await session.rows(
        _COUNT_CLOSINGS,
        names=[each.workflow for each in closing],
        periods=[each.period for each in closing],
        others=[each.other for each in closing],
        by=by,
        most=examples,
    )
    return {
        row["workflow"]: CountedTickets({Status.RESOLVED: row["tickets"]}, tuple(row["examples"]))
        for row in rows
    }


async def count_breaches(
    session: Session, by: datetime, excluded: Iterable[str], examples: int
) -> CountedTickets:
    """Count the tickets with a missed SLA target that will be recorded by a time.

    Args:
        session: the session.
        by: the time.
        excluded: the ids of tickets that are not counted.
        examples: how many ids to return.

    """
    values = {"by": by, "excluded": list(excluded)}
    rows = await session.rows(_COUNT_DUE, **values)
    counts = Counter({Status(row["status"]): row["tickets"] for row in rows})
    ids = [row["id"] for row in await session.rows(_DUE_EXAMPLES, **values, most=examples)]
    # The due times of a ticket are stale for about a second after a transition.
    rows = await session.rows(_STALE, excluded=values["excluded"])
    stale = {row["id"]: Status(row["status"]) for row in rows}
    for id_, history in (await read_histories(session, list(stale))).items():
        timers = build_timers(history)
        if timers and timers.unrecorded_breaches(by):
            counts[stale[id_]] += 1
            ids.append(id_)
    return CountedTickets(counts, tuple(ids[:examples]))
