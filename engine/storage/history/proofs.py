"""Prove the history of one ticket by an anchor, without the other tickets."""

import json
from typing import Final

from sqlalchemy import BigInteger, Text, bindparam, cast, func, select, tuple_

from engine.errors import InvalidInput, NotFound
from engine.sealing.anchor import Anchor
from engine.sealing.merkle_tree import inclusion_path, leaf_hash, merkle_root
from engine.storage.history.head_chunks import read_heads
from engine.storage.history.log_place import LogPlace
from engine.storage.history.seals import end_of_seal
from engine.storage.postgres.database import Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import NOT_IN_BACKUPS, ticket_status_history

FORMAT: Final = "interlock-proof/1"

_PLACE: Final = tuple_(ticket_status_history.c.transaction, ticket_status_history.c.entry)
_END: Final = tuple_(
    bindparam("to_transaction", type_=BigInteger), bindparam("to_entry", type_=BigInteger)
)
_CREATION: Final = Statement.of(
    select(ticket_status_history.c.transaction, ticket_status_history.c.entry).where(
        ticket_status_history.c.ticket == bindparam("ticket"),
        ticket_status_history.c.seq == 1,
        _PLACE <= _END,
    )
)
_LAST_SEALED: Final = (
    select(func.max(ticket_status_history.c.seq))
    .where(ticket_status_history.c.ticket == bindparam("ticket"), _PLACE <= _END)
    .scalar_subquery()
)
_STORED: Final = (
    select(*(each for each in ticket_status_history.columns if NOT_IN_BACKUPS not in each.info))
    .where(
        ticket_status_history.c.ticket == bindparam("ticket"),
        ticket_status_history.c.seq <= _LAST_SEALED,
    )
    .order_by(ticket_status_history.c.seq)
    .subquery("stored_row")
)
_ENTRIES: Final = Statement.of(
    select(cast(func.row_to_json(_STORED.table_valued()), Text).label("line"))
)


async def prove_ticket(session: Session, ticket: str, anchor: Anchor) -> str:
    """Return a document with the history of a ticket up to an anchor, and why the anchor covers it.

    Args:
        session: a transaction with a snapshot.
        ticket: the id of the ticket.
        anchor: an anchor of this database.

    Raises:
        NotFound: the anchor covers no such ticket.
        InvalidInput: the database contradicts the anchor.

    """
    sealed = await end_of_seal(session, anchor.seal)
    if sealed is None:
        raise _contradiction(anchor)
    end = {"to_transaction": sealed.entries.transaction, "to_entry": sealed.entries.entry}
    created = await session.row(_CREATION, ticket=ticket, **end)
    if created is None:
        raise NotFound(f"{anchor} covers no ticket {ticket}.", ticket=ticket)
    place = LogPlace(created["transaction"], created["entry"])
    heads = [head async for head in read_heads(session, sealed.entries)]
    leaves = [leaf_hash(head.digest) for head in heads]
    if (len(leaves), merkle_root(leaves).hex()) != (anchor.tickets, anchor.heads_root):
        raise _contradiction(anchor)
    index = next(number for number, head in enumerate(heads) if head.created == place)
    rows = await session.rows(_ENTRIES, ticket=ticket, **end)
    document = {
        "format": FORMAT,
        "anchor": json.loads(anchor.text),
        "index": index,
        "path": [digest.hex() for digest in inclusion_path(leaves, index)],
        "entries": [json.loads(row["line"]) for row in rows],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _contradiction(anchor: Anchor) -> InvalidInput:
    return InvalidInput(
        f"The database contradicts {anchor}. Run `interlock history verify --against` with it."
    )
