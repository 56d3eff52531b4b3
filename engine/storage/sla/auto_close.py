"""Closes the RESOLVED tickets whose grace period is over; runs periodically on every server."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import ARRAY, Interval, Text, bindparam, column, func, select

from engine.declaration.fields import parse_grace_period
from engine.declaration.models import AutoClose
from engine.resources.resource import AUTO_CLOSE
from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.locks import lock_tickets_shared
from engine.storage.postgres.rows import ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import tickets, workflows
from engine.storage.resources.plugins import TICKETING_ENABLED
from engine.storage.resources.settings import read_setting
from engine.storage.sla.batch import BATCH_TICKETS, BY_NOW, LOCKED_TICKETS, run_in_batches
from engine.storage.tickets.writer import Append, append_to_histories
from engine.tickets.auto_close import auto_close_change, grace_period_of
from engine.tickets.changes import build_entries
from engine.tickets.system_actor import SYSTEM_ACTOR
from engine.workflows.policy import Policy

_ACTIVE_WORKFLOWS: Final = Statement.of(
    select(workflows.c.name, workflows.c.policy, workflows.c.auto_close).where(
        workflows.c.retired_at.is_(None), TICKETING_ENABLED
    )
)
_PERIODS: Final = (
    func.unnest(bindparam("names", type_=ARRAY(Text)), bindparam("periods", type_=ARRAY(Interval)))
    .table_valued(column("workflow", Text), column("period", Interval))
    .render_derived(name="grace_periods")
)
_OVERDUE: Final = Statement.of(
    LOCKED_TICKETS.join(_PERIODS, _PERIODS.c.workflow == tickets.c.workflow).where(
        tickets.c.auto_close_from.is_not(None),
        tickets.c.auto_close_from < BY_NOW - _PERIODS.c.period,
    )
)


async def close_resolved_tickets(
    database: Database, as_of: datetime | None = None, most: int = BATCH_TICKETS
) -> int:
    """Close every ticket whose grace period is over; return how many there were.

    Nothing happens while ticketing is switched off. `as_of` replaces the current time.
    """
    return await run_in_batches(database, partial(_close_batch, as_of=as_of), most)


async def _close_batch(session: Session, most: int, as_of: datetime | None) -> int:
    await lock_tickets_shared(session)  # so that no reconciliation changes the grace periods
    periods = await read_grace_periods(session)
    if not periods:
        return 0
    lengths = [parse_grace_period(period) for period in periods.values()]
    rows = await session.rows(
        _OVERDUE, names=list(periods), periods=lengths, as_of=as_of, most=most
    )
    if rows:
        await _close(session, rows, periods)
    return len(rows)


async def read_grace_periods(session: Session) -> dict[str, str]:
    """Return the grace period of each workflow whose tickets `system` closes; none while off."""
    default = await read_setting(session, AUTO_CLOSE, AutoClose) or AutoClose()
    found = {
        row["name"]: grace_period_of(
            Policy(row["policy"]), row["auto_close"] or default.after_resolved
        )
        for row in await session.rows(_ACTIVE_WORKFLOWS)
    }
    return {name: period for name, period in found.items() if period is not None}


async def _close(session: Session, rows: Sequence[Row], periods: dict[str, str]) -> None:
    appends = [
        Append(
            ticket := ticket_of(row),
            row["head_digest"],
            build_entries(
                ticket,
                [auto_close_change(row["auto_close_from"], periods[ticket.workflow])],
                SYSTEM_ACTOR,
                row["now"],
                row["revision"],
            ),
        )
        for row in rows
    ]
    histories = await read_histories(session, [each.ticket.id for each in appends])
    await append_to_histories(session, appends, histories)
