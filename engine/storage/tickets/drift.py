"""Find and repair tickets whose stored values differ from what follows from their histories.

The version and the head digest of a ticket are not repaired: they prove that the history is
complete. A ticket whose history is invalid is not repaired at all.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import aclosing, suppress
from typing import Final

from sqlalchemy import ColumnElement, Text, bindparam, exists, update

from engine.audit.history import MALFORMED, is_chain_intact
from engine.storage.history.scan import TicketHistory, lock_histories, scan_tickets
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.locks import lock_tickets_shared
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import tickets
from engine.storage.tickets.search_texts import repair_texts, wrong_texts
from engine.storage.tickets.sla_columns import sla_columns
from engine.storage.tickets.writer import new_values
from engine.tickets.auto_close import auto_close_from
from engine.tickets.history import Entry
from engine.tickets.sla_timers import SLA_COLUMNS
from engine.tickets.ticket import rebuild_ticket
from engine.tickets.ticket_drift import (
    SEARCH_WORDS,
    TICKET_COLUMNS,
    ComparedTickets,
    TicketDrift,
    times_of,
)
from engine.vocabulary import Status

DRIFTED_TICKETS_MOST: Final = 10_000
"""Tickets that one plan repairs; it names each of them."""
_BATCH_TICKETS: Final = 500

_OTHER: Final = tickets.alias("other")
_IS_OTHER_LIVE: Final[ColumnElement[bool]] = exists().where(
    _OTHER.c.service == bindparam("new_service", type_=Text),
    _OTHER.c.id != tickets.c.id,
    _OTHER.c.status != Status.CLOSED.value,
    bindparam("new_status", type_=Text) != Status.CLOSED.value,
)
"""Whether a repair would make a second ticket of a service live, which an index prevents."""
_REPAIR_COLUMNS: Final = Statement.of(
    update(tickets)
    .where(tickets.c.id == bindparam("repaired"), ~_IS_OTHER_LIVE)
    .values({name: bindparam(f"new_{name}") for name in TICKET_COLUMNS})
)


async def compare_tickets(session: Session, advance: Callable[[], None]) -> ComparedTickets:
    """Compare the stored values of all tickets with their histories.

    Args:
        session: a transaction with a snapshot.
        advance: called after each ticket.

    """
    wrong_words = await _tickets_with_wrong_words(session)
    compared = invalid = 0
    drifted: list[TicketDrift] = []
    async for scanned in scan_tickets(session):
        advance()
        try:
            drift = _drift_of(scanned, has_wrong_words=scanned.id in wrong_words)
        except InvalidHistory:
            invalid += 1
            continue
        compared += 1
        if drift is not None and len(drifted) <= DRIFTED_TICKETS_MOST:
            drifted.append(drift)
    is_complete = len(drifted) <= DRIFTED_TICKETS_MOST
    return ComparedTickets(compared, invalid, tuple(drifted[:DRIFTED_TICKETS_MOST]), is_complete)


async def _tickets_with_wrong_words(session: Session) -> set[str]:
    """Return the ids of at least as many tickets as one plan repairs, if there are so many."""
    found: set[str] = set()
    async with aclosing(wrong_texts(session)) as wrong:
        async for each in wrong:
            found.add(each.ticket)
            if len(found) > DRIFTED_TICKETS_MOST:
                break
    return found


async def repair_tickets(database: Database, ids: Sequence[str]) -> None:
    """Write the values of tickets again that differ from their histories.

    Each batch is a transaction of its own, so an interruption leaves the other tickets unrepaired.
    """
    for start in range(0, len(ids), _BATCH_TICKETS):
        async with database.transaction() as session:
            await lock_tickets_shared(session)
            await _repair(session, ids[start : start + _BATCH_TICKETS])


async def _repair(session: Session, ids: Collection[str]) -> None:
    repaired = []
    for scanned in await lock_histories(session, ids):
        with suppress(InvalidHistory):
            if _drift_of(scanned, has_wrong_words=False) is not None:
                derived = derived_values([stored.entry for stored in scanned.history])
                repaired.append(new_values(derived) | {"repaired": scanned.id})
    await session.run_each(_REPAIR_COLUMNS, repaired)
    await repair_texts(session, list(ids))


class InvalidHistory(Exception):
    """A ticket cannot be compared with its history."""


def _drift_of(scanned: TicketHistory, *, has_wrong_words: bool) -> TicketDrift | None:
    """Return how a ticket differs from its history; None if it does not.

    Raises:
        InvalidHistory: the history is invalid, or the ticket does not have its version and digest.

    """
    row, history = scanned.row, scanned.history
    if row is None or not history:
        raise InvalidHistory
    if (len(history), history[-1].digest) != (row["version"], row["head_digest"]):
        raise InvalidHistory
    try:
        derived = derived_values([stored.entry for stored in history])
    except MALFORMED:
        raise InvalidHistory from None
    is_stale = row["sla_version"] is not None and row["sla_version"] < row["version"]
    columns = tuple(
        name
        for name in TICKET_COLUMNS
        if row[name] != derived[name] and not (is_stale and name in SLA_COLUMNS)
    )
    if not columns and not has_wrong_words:
        return None
    if not is_chain_intact(history):
        raise InvalidHistory
    words = (SEARCH_WORDS,) if has_wrong_words else ()
    return TicketDrift(scanned.id, (*columns, *words), times_of(dict(row)), times_of(derived))


def derived_values(history: Sequence[Entry]) -> dict[str, object]:
    """Return the columns of a ticket that follow from its history."""
    ticket = rebuild_ticket(history)
    values = ticket._asdict() | sla_columns(history)
    values["auto_close_from"] = auto_close_from(ticket, history)
    return {name: values[name] for name in TICKET_COLUMNS}
