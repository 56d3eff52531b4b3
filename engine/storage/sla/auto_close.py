"""Closes the RESOLVED tickets whose grace period is over; runs periodically on every server."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

from pydantic import ValidationError
from sqlalchemy import ARRAY, Interval, Text, bindparam, column, func, select

from engine.declaration.durations import parse_duration
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
from engine.storage.sla.batch import (
    BATCH_TICKETS,
    BY_NOW,
    LOCKED_TICKETS,
    Batch,
    run_in_batches,
)
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


class GracePeriod(NamedTuple):
    """A grace period, as declared and as a length of time."""

    text: str
    length: timedelta


class GracePeriods(NamedTuple):
    """The grace periods of the workflows whose tickets `system` closes.

    Attributes:
        by_workflow: none while ticketing is off.
        invalid: an error for each stored value that is not a grace period; it closes no ticket.

    """

    by_workflow: dict[str, GracePeriod]
    invalid: list[Exception]


async def close_resolved_tickets(
    database: Database, as_of: datetime | None = None, most: int = BATCH_TICKETS
) -> int:
    """Close every ticket whose grace period is over; return how many there were.

    Nothing happens while ticketing is switched off. `as_of` replaces the current time.

    Raises:
        ExceptionGroup: some tickets failed, or the grace periods of some workflows are invalid; all
            other tickets are closed.

    """
    invalid: list[Exception] = []

    async def prepare(session: Session, most: int, skipped: Sequence[str]) -> Batch:
        await lock_tickets_shared(session)  # so that no reconciliation changes the grace periods
        periods, invalid[:] = await read_grace_periods(session)
        rows = await session.rows(
            _OVERDUE,
            names=list(periods),
            periods=[each.length for each in periods.values()],
            as_of=as_of,
            most=most,
            skipped=skipped,
        )
        return Batch(rows, partial(_close, session, rows, periods))

    outcome = await run_in_batches(database, prepare, most)
    if failures := [*invalid, *outcome.failures]:
        raise ExceptionGroup("Some tickets could not be closed", failures)
    return outcome.tickets


async def read_grace_periods(session: Session) -> GracePeriods:
    """Return the grace period of each workflow whose tickets `system` closes."""
    found = GracePeriods({}, [])
    default = await _read_default(session, found.invalid)
    for row in await session.rows(_ACTIVE_WORKFLOWS):
        text = row["auto_close"] or default
        if text is None or (text := grace_period_of(Policy(row["policy"]), text)) is None:
            continue
        try:
            length = parse_duration(text)
        except ValueError as error:
            message = f"The stored grace period {text!r} of the workflow {row['name']} {error}."
            found.invalid.append(ValueError(message))
        else:
            found.by_workflow[row["name"]] = GracePeriod(text, length)
    return found


async def _read_default(session: Session, invalid: list[Exception]) -> str | None:
    """Return the grace period of workflows without an own one; None if it is invalid."""
    try:
        setting = await read_setting(session, AUTO_CLOSE, AutoClose) or AutoClose()
    except ValidationError as error:
        error.add_note(f"The stored setting {AUTO_CLOSE} is invalid.")
        invalid.append(error)
        return None
    return setting.after_resolved


async def _close(session: Session, rows: Sequence[Row], periods: dict[str, GracePeriod]) -> None:
    appends = [
        Append(
            ticket := ticket_of(row),
            row["head_digest"],
            build_entries(
                ticket,
                [auto_close_change(row["auto_close_from"], periods[ticket.workflow].text)],
                SYSTEM_ACTOR,
                row["now"],
                row["revision"],
            ),
        )
        for row in rows
    ]
    histories = await read_histories(session, [each.ticket.id for each in appends])
    await append_to_histories(session, appends, histories)
