"""Make and store anchors (`engine.sealing.anchor`)."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, func, insert, select

from engine.errors import InvalidInput
from engine.sealing.anchor import Anchor, AnchorStatement
from engine.sealing.anchor_key import AnchorKey
from engine.sealing.flaw import RecordFlaw
from engine.storage.history.head_chunks import HeadTree, build_tree, update_tree
from engine.storage.history.seals import SealEnd, end_of_seal, last_seal, read_unsealed
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import anchors
from engine.tickets.history import canonical_timestamp

ANCHOR_LOCK: Final = 0x17E410F
"""The advisory lock of the transaction that makes an anchor."""

_LOCK: Final = Statement.of(select(func.pg_advisory_xact_lock(ANCHOR_LOCK)))
_TRY_LOCK: Final = Statement.of(
    select(func.pg_try_advisory_xact_lock(ANCHOR_LOCK).label("is_locked"))
)
_NOW: Final = Statement.of(select(func.clock_timestamp().label("now")))
_LAST: Final = Statement.of(select(anchors).order_by(anchors.c.number.desc()).limit(1))
_ALL: Final = Statement.of(select(anchors).order_by(anchors.c.number))
_PREFETCHED_ROWS: Final = 1_000
_INSERT: Final = Statement.of(
    insert(anchors).values({each.name: bindparam(each.name) for each in anchors.columns})
)


async def make_anchor(database: Database, key: AnchorKey) -> Anchor:
    """Make an anchor for everything that is sealed, store it, and return it."""
    anchor = None
    while anchor is None:
        anchor = await _make(database, key, interval=None)
    return anchor


async def make_anchor_if_due(
    database: Database, key: AnchorKey, interval: timedelta
) -> Anchor | None:
    """Make an anchor if the last one is older than an interval, and no other server makes one.

    Returns:
        The anchor; None if there is nothing to do.

    """
    return await _make(database, key, interval)


async def _make(database: Database, key: AnchorKey, interval: timedelta | None) -> Anchor | None:
    """Make an anchor; None if it is not due, or another process makes one at the same time."""
    async with database.transaction() as session:
        if interval is None:
            await session.row(_LOCK)
        elif not (await session.rows(_TRY_LOCK))[0]["is_locked"]:
            return None
        before, end = await last_anchor(session), await last_seal(session)
        if before and interval is not None and await _is_recent(session, before, interval):
            return None
        if (tree := await _update_tree(session, before, end)) is not None:
            return await _store(session, before, end, tree, key)
    tree = await build_tree(database, end.entries)
    async with database.transaction() as session:
        await session.row(_LOCK)
        if await last_anchor(session) != before:
            return None
        return await _store(session, before, end, tree, key)


async def _is_recent(session: Session, anchor: Anchor, interval: timedelta) -> bool:
    [clock] = await session.rows(_NOW)
    made_at = datetime.fromisoformat(anchor.anchored_at)
    return bool(made_at > clock["now"] - interval)


async def _update_tree(session: Session, before: Anchor | None, end: SealEnd) -> HeadTree | None:
    """Return the tree at the end of a seal; None if it must be built from the histories."""
    since = await end_of_seal(session, before.seal) if before else None
    if before is None or since is None:
        return None
    known = HeadTree(before.tickets, bytes.fromhex(before.heads_root))
    return await update_tree(session, known, since.entries, end.entries)


async def _store(
    session: Session, before: Anchor | None, end: SealEnd, tree: HeadTree, key: AnchorKey
) -> Anchor:
    """Sign and store the anchor that follows another one, in a transaction that holds the lock."""
    unsealed = await read_unsealed(session, end)
    [clock] = await session.rows(_NOW)
    statement = AnchorStatement(
        number=before.number + 1 if before else 1,
        anchored_at=canonical_timestamp(clock["now"]),
        seal=end.seal.number,
        seal_digest=end.seal.digest.hex(),
        tickets=tree.tickets,
        **end.seal.counts._asdict(),
        heads_root=tree.root.hex(),
        unsealed=unsealed.rows,
        oldest_unsealed_at=canonical_timestamp(unsealed.oldest) if unsealed.oldest else None,
        key=key.public.text,
    )
    anchor = Anchor.sign(statement, key)
    await session.run(_INSERT, number=anchor.number, anchored_at=clock["now"], document=anchor.text)
    return anchor


async def read_anchors(session: Session) -> AsyncIterator[Anchor | RecordFlaw]:
    """Yield every stored anchor in order; a flaw for one that is missing or is not an anchor."""
    expected = 1
    async for row in session.stream(_ALL, _PREFETCHED_ROWS):
        number, name = row["number"], f"anchor {row['number']}"
        if number != expected:
            yield RecordFlaw(f"anchor {expected}", f"missing; the next one is {number}")
        expected = number + 1
        try:
            anchor = Anchor.parse(row["document"], name)
        except InvalidInput:
            yield RecordFlaw(name, "its document is not an anchor")
            continue
        if (anchor.number, anchor.anchored_at) != (number, canonical_timestamp(row["anchored_at"])):
            yield RecordFlaw(name, f"its document is that of {anchor}")
        yield anchor


async def last_anchor(session: Session) -> Anchor | None:
    """Return the last anchor of this database, or of the one that it was restored from."""
    row = await session.row(_LAST)
    return None if row is None else Anchor.parse(row["document"], f"anchor {row['number']}")
