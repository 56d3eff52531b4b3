"""Verify chains, seals and anchors against the rows that they cover."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, Table, Text, cast, func, literal_column, select

from engine.sealing.anchor import Anchor
from engine.sealing.anchor_audit import anchor_flaw
from engine.sealing.flaw import RecordFlaw
from engine.sealing.seal import NO_SEAL, ROWS_MAX, ChainHeads, Seal, SealedCounts
from engine.sealing.seal_audit import (
    RecordedRow,
    added_counts,
    backdated_rows,
    is_full,
    seal_flaw,
)
from engine.storage.history.head_chunks import compute_tree
from engine.storage.history.log_place import BEFORE_LOG, LogPlace
from engine.storage.history.seals import seal_of
from engine.storage.postgres.chains import CHAIN_START, CHAINS, Chain, ChainLink, read_chain
from engine.storage.postgres.database import Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import (
    NEXT_TRANSACTION,
    seals,
    ticket_status_history,
    user_names,
)

_PREFETCHED_ROWS: Final = 2_000
_SEALS: Final = Statement.of(select(seals).order_by(seals.c.number))
_OWN: Final = cast(cast(func.pg_current_xact_id_if_assigned(), Text), BigInteger)
_LAST_TRANSACTION: Final = Statement.of(
    select(func.greatest(NEXT_TRANSACTION - literal_column("1"), _OWN).label("last"))
)
"""The last transaction that can have written a row: an earlier one, or this one."""
_SUBJECTS: Final = {
    "reconciliations": "reconciliation",
    "workflow_revisions": "revision",
    "plugin_changes": "plugin change",
}


def _log_statement(table: Table, name: ColumnElement[str], time: str) -> Statement:
    """Return the statement that reads the rows of a table in the order of the log."""
    position = (table.c.transaction, table.c.entry)
    columns = (name.label("name"), table.c[time].label("at"), table.c.digest, *position)
    return Statement.of(select(*columns).order_by(*position))


_ENTRIES: Final = _log_statement(
    ticket_status_history,
    ticket_status_history.c.ticket
    + literal_column("' entry '", Text)
    + cast(ticket_status_history.c.seq, Text),
    "at",
)
_NAMES: Final = _log_statement(
    user_names, literal_column("'name of '", Text) + user_names.c.user_id, "recorded_at"
)


class _LogReader:
    """Reads the rows of a statement of `_log_statement` in portions.

    Attributes:
        position: the place of the last row that was read.

    """

    def __init__(self, session: Session, statement: Statement) -> None:
        self._rows = session.stream(statement, _PREFETCHED_ROWS)
        self.position = BEFORE_LOG

    async def take(self, count: int) -> list[RecordedRow]:
        """Return the next rows, at most `count`."""
        taken: list[RecordedRow] = []
        while len(taken) < count and (row := await anext(self._rows, None)) is not None:
            taken.append(self._read(row))
        return taken

    async def rest(self) -> AsyncIterator[RecordedRow]:
        """Yield all rows that follow."""
        async for row in self._rows:
            yield self._read(row)

    def _read(self, row: Row) -> RecordedRow:
        self.position = LogPlace(row["transaction"], row["entry"])
        return RecordedRow(row["name"], row["at"], row["digest"])


async def audit_seals(
    session: Session, anchors: Collection[Anchor], older: Collection[Anchor] = ()
) -> AsyncIterator[RecordFlaw]:
    """Yield what contradicts the chains, the seals, or these anchors.

    Only the first invalid seal is reported, because it makes the later ones meaningless. The
    signatures of the anchors are not verified.

    Args:
        session: a transaction with a snapshot.
        anchors: the anchors.
        older: anchors whose Merkle roots are not computed again, which takes a while for each.

    """
    chains: dict[str, dict[int, bytes]] = {}
    for name, chain in CHAINS.items():
        chains[name] = {CHAIN_START.id: CHAIN_START.digest}
        async for flaw in _audit_chain(session, chain, chains[name]):
            yield flaw
    audit = _SealAudit(session, chains, {anchor.seal for anchor in (*anchors, *older)})
    async for flaw in audit.run():
        yield flaw
    for anchor in older:
        if message := audit.seal_flaw(anchor):
            yield RecordFlaw(str(anchor), message)
    for anchor in anchors:
        if message := audit.seal_flaw(anchor) or await audit.heads_flaw(anchor):
            yield RecordFlaw(str(anchor), message)


async def _audit_chain(
    session: Session, chain: Chain, digests: dict[int, bytes]
) -> AsyncIterator[RecordFlaw]:
    """Yield the flaws of a chain, and collect its digests by number."""
    before, subject = CHAIN_START, _SUBJECTS[chain.table.name]
    async for row in read_chain(session, chain):
        link = ChainLink(row["id"], row["digest"])
        if link.id != before.id + 1:
            yield RecordFlaw(f"{subject} {before.id + 1}", f"missing; the next one is {link.id}")
        if chain.digest_of(row, before.digest) != link.digest:
            message = "its digest does not match its content and the digest before it"
            yield RecordFlaw(f"{subject} {link.id}", message)
        digests[link.id] = link.digest
        before = link


class _SealAudit:
    """The audit of all seals.

    Args:
        session: a transaction with a snapshot.
        chains: the digests of each chain by number.
        anchored: the numbers of the seals whose state to keep.

    """

    def __init__(
        self,
        session: Session,
        chains: Mapping[str, Mapping[int, bytes]],
        anchored: Collection[int],
    ) -> None:
        self._session = session
        self._chains = chains
        self._anchored = anchored
        self._entries = _LogReader(session, _ENTRIES)
        self._names = _LogReader(session, _NAMES)
        self._verified = NO_SEAL
        self._complete = NO_SEAL
        self._kept: dict[int, tuple[Seal, LogPlace]] = {NO_SEAL.number: (NO_SEAL, BEFORE_LOG)}

    async def run(self) -> AsyncIterator[RecordFlaw]:
        """Yield the flaws of the seals, and of the rows that they don't cover."""
        is_valid = True
        async for row in self._session.stream(_SEALS, _PREFETCHED_ROWS):
            seal = seal_of(row)
            if is_valid:
                async for flaw in self._check(row, seal):
                    yield flaw
                is_valid = self._verified == seal
            if seal.number in self._anchored:
                self._kept[seal.number] = seal, self._entries.position
        if is_valid:
            async for flaw in self._check_unsealed():
                yield flaw

    async def _check(self, row: Row, seal: Seal) -> AsyncIterator[RecordFlaw]:
        """Yield the flaws of a seal and of the rows that it covers."""
        before = self._verified
        added = added_counts(before, seal)
        entries = await self._entries.take(min(added.entries, ROWS_MAX))
        names = await self._names.take(min(added.user_names, ROWS_MAX))
        message = seal_flaw(before, seal, entries, names, self._heads_at(seal.counts))
        if message is None and not self._ends_as_stored(row):
            message = "its last row has another place in the log than when it was sealed"
        if message is not None:
            yield RecordFlaw(f"seal {seal.number}", message)
            return
        for flaw in backdated_rows(self._complete, [*entries, *names]):
            yield flaw
        self._verified = seal
        if not is_full(before, seal):
            self._complete = seal

    def _heads_at(self, counts: SealedCounts) -> ChainHeads | None:
        heads = {name: self._chains[name].get(getattr(counts, name)) for name in self._chains}
        found = {name: digest for name, digest in heads.items() if digest is not None}
        return ChainHeads(**found) if found.keys() == heads.keys() else None

    def _ends_as_stored(self, row: Row) -> bool:
        """Return whether the last rows have the places that are stored with the seal, if any."""
        stored = (row["log_transaction"], row["log_entry"])
        stored_names = (row["names_transaction"], row["names_entry"])
        found = (self._entries.position.transaction, self._entries.position.entry)
        found_names = (self._names.position.transaction, self._names.position.entry)
        return None in {*stored, *stored_names} or (stored, stored_names) == (found, found_names)

    async def _check_unsealed(self) -> AsyncIterator[RecordFlaw]:
        [counter] = await self._session.rows(_LAST_TRANSACTION)
        for reader in (self._entries, self._names):
            async for row in reader.rest():
                for flaw in backdated_rows(self._complete, [row]):
                    yield flaw
            if reader.position.transaction > counter["last"]:
                yield RecordFlaw(
                    "log",
                    f"its last transaction number is {reader.position.transaction}, which this "
                    "database has not reached. If it was moved with pg_dump, run "
                    "`interlock migrate`",
                )

    def seal_flaw(self, anchor: Anchor) -> str | None:
        """Return how the seals contradict an anchor; None if they do not."""
        seal, _ = self._kept.get(anchor.seal, (None, BEFORE_LOG))
        return anchor_flaw(anchor, seal, self._verified.number)

    async def heads_flaw(self, anchor: Anchor) -> str | None:
        """Return how the heads contradict an anchor that the seals confirm; None if they do not."""
        _, end = self._kept[anchor.seal]
        tree = await compute_tree(self._session, end)
        if (tree.tickets, tree.root.hex()) == (anchor.tickets, anchor.heads_root):
            return None
        return f"the heads of its {anchor.tickets} tickets are not those of the histories"
