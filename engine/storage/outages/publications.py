"""What was published about tickets, and which groups the status page shows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ARRAY, Text, bindparam, func, literal_column, select

from engine.declaration.status_page_models import GroupTarget, GroupTargets, StatusPage
from engine.resources.resource import SLA_TARGETS, STATUS_PAGE
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history
from engine.storage.resources.settings import read_setting
from engine.tickets.history import EntryKind
from engine.tickets.publications import Publication, current_publication


def entries_of_kind(kind: EntryKind) -> Statement:
    """Return the statement that reads the entries of a kind of some tickets, in order."""
    return Statement.of(
        select(
            ticket_status_history.c.ticket,
            ticket_status_history.c.at,
            ticket_status_history.c.new_value,
        )
        .where(
            ticket_status_history.c.ticket == func.any(bindparam("tickets", type_=ARRAY(Text))),
            ticket_status_history.c.kind == literal_column(f"'{kind}'"),
        )
        .order_by(ticket_status_history.c.ticket, ticket_status_history.c.seq)
    )


_PUBLICATIONS: Final = entries_of_kind(EntryKind.PUBLICATION)


async def read_publications(
    source: Database | Session, tickets: Sequence[str]
) -> Mapping[str, Publication]:
    """Return the publications of tickets, by id; only of those that have any."""
    values = defaultdict[str, list[tuple[datetime, str | None]]](list)
    for row in await source.rows(_PUBLICATIONS, tickets=list(tickets)):
        values[row["ticket"]].append((row["at"], row["new_value"]))
    found = {ticket: current_publication(each) for ticket, each in values.items()}
    return {ticket: each for ticket, each in found.items() if each is not None}


async def read_public_groups(
    source: Database | Session,
) -> tuple[StatusPage, tuple[GroupTarget, ...]]:
    """Return the settings of the status page, and the targets of the groups that it shows."""
    page = await read_setting(source, STATUS_PAGE, StatusPage) or StatusPage()
    targets = await read_setting(source, SLA_TARGETS, GroupTargets) if page.enabled else None
    return page, () if targets is None else targets.targets
