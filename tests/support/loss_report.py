"""Decide from the log of the clients and from the database what faults have lost or doubled."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

import default_workflows
from engine.storage.history.scan import TicketHistory, scan_tickets
from engine.storage.postgres.database import Database
from engine.tickets.history import Entry, EntryKind
from engine.vocabulary import Status
from tests.support.logging_clients import WORKFLOW, LoggedChange, LoggingClients
from tests.support.record_flaws import record_flaws
from tests.support.seals import seal_everything

_DECLARATION: Final = Path(default_workflows.__file__).with_name(f"{WORKFLOW}.yaml")


@dataclass(frozen=True)
class LossReport:
    """What faults did to the changes of clients.

    Attributes:
        faults: by the name of each fault, the longest time without an acknowledged change, in
            seconds.
        operations: how many changes the clients requested.
        acknowledged: how many of them were acknowledged.
        repeated: how many were sent more than once.
        refusals: the errors that ended the work on a ticket.
        lost: acknowledged changes that the database does not have as they were acknowledged.
        doubled: changes that the database has twice.
        forbidden: transitions in a history that the workflow does not declare.
        unfolded: tickets whose status does not follow from their history.
        flaws: what `interlock history verify` finds.

    """

    faults: Mapping[str, float]
    operations: int
    acknowledged: int
    repeated: int
    refusals: Mapping[str, int]
    lost: Sequence[str]
    doubled: Sequence[str]
    forbidden: Sequence[str]
    unfolded: Sequence[str]
    flaws: Sequence[str]

    def __str__(self) -> str:
        """Return one line for each number."""
        rows = {
            "faults": ", ".join(self.faults),
            "operations": self.operations,
            "acknowledged": self.acknowledged,
            "sent more than once": self.repeated,
            "refused": dict(self.refusals) or 0,
            "acknowledged but lost": len(self.lost),
            "doubled": len(self.doubled),
            "forbidden transitions": len(self.forbidden),
            "status not the fold of the history": len(self.unfolded),
            "flaws of the record": len(self.flaws),
            **{
                f"longest unavailability, {fault}": f"{seconds:.1f} s"
                for fault, seconds in self.faults.items()
            },
        }
        return "\n".join(f"{name:36}{value}" for name, value in rows.items())


async def loss_report(
    database: Database, clients: LoggingClients, faults: Mapping[str, float]
) -> LossReport:
    """Compare the database with the log of clients that have stopped."""
    await seal_everything(database)
    async with database.snapshot() as session:
        tickets = {each.id: each async for each in scan_tickets(session)}
    copies = Counter(text for each in tickets.values() for text in _texts(each))
    edges = _declared_edges()
    return LossReport(
        faults=faults,
        operations=len(clients.log),
        acknowledged=len(clients.acknowledged),
        repeated=sum(each.requests > 1 for each in clients.log),
        refusals=clients.refusals,
        lost=[each.text for each in clients.acknowledged if not _is_recorded(each, tickets)],
        doubled=[each.text for each in clients.log if copies[each.text] > 1],
        forbidden=[
            f"{entry.ticket} entry {entry.seq}: {entry.old_value} to {entry.new_value}"
            for ticket in tickets.values()
            for entry in _status_entries(ticket)
            if (entry.old_value, entry.new_value) not in edges
        ],
        unfolded=[each.id for each in tickets.values() if not _status_follows(each)],
        flaws=await record_flaws(database),
    )


def _declared_edges() -> set[tuple[str, str]]:
    """Read the transitions from the declaration, not from what the engine compiled."""
    [workflow] = yaml.safe_load(_DECLARATION.read_text("utf-8"))["ticketing"]["workflows"]
    statuses = {each.name: each.value for each in Status}
    return {(statuses[each["from"]], statuses[each["to"]]) for each in workflow["transitions"]}


def _texts(ticket: TicketHistory) -> list[str]:
    """Return the texts of the changes that a ticket consists of."""
    comments = [entry.new_value or "" for entry in _entries(ticket, EntryKind.COMMENT)]
    return [*comments, *([] if ticket.row is None else [ticket.row["title"]])]


def _is_recorded(change: LoggedChange, tickets: Mapping[str, TicketHistory]) -> bool:
    """Return whether a ticket has the change, in the version of the acknowledgement."""
    ticket = tickets.get(change.ticket or "")
    if ticket is None or change.text not in _texts(ticket):
        return False
    entries = {stored.entry.seq: stored.entry for stored in ticket.history}
    last = entries.get(change.version or 0)
    if last is None:
        return False
    if change.target is None:
        return last.kind is EntryKind.CREATED or last.new_value == change.text
    return (last.kind, last.new_value) == (EntryKind.STATUS, change.target.value)


def _status_follows(ticket: TicketHistory) -> bool:
    """Return whether each status change begins where the last one ended, and the ticket with it."""
    status = Status.OPEN.value
    for entry in _status_entries(ticket):
        if entry.old_value != status:
            return False
        status = entry.new_value or ""
    return ticket.row is not None and ticket.row["status"] == status


def _status_entries(ticket: TicketHistory) -> list[Entry]:
    return _entries(ticket, EntryKind.STATUS)


def _entries(ticket: TicketHistory, kind: EntryKind) -> list[Entry]:
    return [stored.entry for stored in ticket.history if stored.entry.kind is kind]
