"""Backups: the whole database in one YAML file, streamed in constant memory.

# a comment
format: …
ticketing: …              the active declaration, as `interlock export` prints it
tables:
  reconciliations:
  - {"id":1,…}            one line for each row, in PostgreSQL's JSON
  …
integrity: {"rows":…,"sha256":"…"}   over all bytes before this line
"""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing
from hashlib import sha256
from itertools import groupby, islice, takewhile
from operator import itemgetter
from typing import Final, NamedTuple

from engine.errors import CorruptRecord, InvalidBackup
from engine.sealing.anchor import Anchor
from engine.storage.backup import (
    BACKUP_TABLES,
    insert_json,
    is_empty,
    reset_sequences,
    rows_as_json,
)
from engine.storage.history.anchors import last_anchor
from engine.storage.postgres.database import Database, Session
from engine.storage.resources.read import read_resources
from engine.storage.tickets.search_texts import repair_texts
from reconciler.export import export_values
from reconciler.record_audit import NO_ANCHORS, AuditedAnchors, audit_record, audit_tickets

_FORMAT: Final = "interlock-backup/1"
_HEAD: Final = f"""\
# A backup of Interlock. `interlock restore` verifies it and restores it into an empty database;
# the section ticketing alone can be planned and applied like any values file.
format: {_FORMAT}
"""
_TABLES: Final = "tables:\n"
_TABLE_LINE: Final = re.compile(r"  ([a-z_]+):\n")
ROW: Final = "  - "
_INTEGRITY: Final = "integrity: "
_BATCH_ROWS: Final = 500


async def backup_lines(database: Database) -> AsyncGenerator[str, None]:
    """Yield the backup of a database, from one snapshot, in pieces of whole lines."""
    digest, rows = sha256(), 0
    async with database.snapshot() as session:
        async for line in _content_lines(session):
            digest.update(line.encode())
            rows += line.startswith(ROW)
            yield line
    yield _integrity_line(rows, digest.hexdigest())


def _integrity_line(rows: int, digest: str) -> str:
    return _INTEGRITY + json.dumps({"rows": rows, "sha256": digest}) + "\n"


async def _content_lines(session: Session) -> AsyncIterator[str]:
    """Yield the lines that the digest covers."""
    yield _HEAD
    yield export_values((await read_resources(session)).resources)
    yield _TABLES
    for table in BACKUP_TABLES:
        yield f"  {table}:\n"
        async for row in rows_as_json(session, table):
            yield f"{ROW}{row}\n"


class Restored(NamedTuple):
    """What was restored.

    Attributes:
        rows: the number of rows.
        anchor: the last anchor in the backup.

    """

    rows: int
    anchor: Anchor | None


async def restore(
    database: Database, lines: Iterable[str], anchors: AuditedAnchors = NO_ANCHORS
) -> Restored:
    """Restore a backup into an empty database.

    Args:
        database: an empty database.
        lines: the lines of the backup.
        anchors: what to verify the backup against, in addition to the anchors in it.

    Raises:
        InvalidBackup: the file is not a backup, was truncated or altered, or is inconsistent; or
            the database is not empty. The database does not change.

    """
    async with database.transaction() as session:
        if not await is_empty(session):
            raise InvalidBackup("The database is not empty. Restore into a new database.")
        reader = _Reader(lines)
        for table, batch in _batches(reader.rows()):
            try:
                await insert_json(session, table, batch)
            except ValueError as error:
                message = f"The backup was altered: rows of {table} can't be stored."
                raise InvalidBackup(message) from error
        await reset_sequences(session)
        await repair_texts(session)
        await _check_content(session, reader, anchors)
        return Restored(reader.count, await last_anchor(session))


def _batches(rows: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Yield rows in batches, each of one table."""
    for table, group in groupby(rows, key=itemgetter(0)):
        while batch := [row for _, row in islice(group, _BATCH_ROWS)]:
            yield table, batch


async def _check_content(session: Session, reader: "_Reader", anchors: AuditedAnchors) -> None:
    """Refuse restored rows that contradict one another or an anchor."""
    try:
        declared = export_values((await read_resources(session)).resources)
    except CorruptRecord as error:
        raise InvalidBackup(f"The backup is inconsistent: {error.message}") from error
    if declared != reader.declared:
        raise InvalidBackup("The section ticketing does not match the tables.")
    async with aclosing(audit_tickets(session)) as tickets:
        async for _, flaws in tickets:
            if flaws:
                raise InvalidBackup(f"A ticket is inconsistent: {flaws[0]}.")
    async with aclosing(audit_record(session, anchors)) as record:
        async for flaw in record:
            raise InvalidBackup(f"The backup is inconsistent: {flaw}.")


class _Reader:
    """Reads a backup line by line.

    Attributes:
        declared: the text of the section `ticketing`.
        count: the number of rows read.

    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._digest = sha256()
        self.declared = ""
        self.count = 0

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield every row with its table, and verify the integrity line.

        Raises:
            InvalidBackup: the backup was truncated or altered, or has content after its end.

        """
        self._read_head()
        table = ""
        for line in self._lines:
            if line.startswith(_INTEGRITY):
                self._check_integrity(line)
                return
            self._digest.update(line.encode())
            if line.startswith(ROW) and table:
                self.count += 1
                yield table, line.removeprefix(ROW).rstrip("\n")
            elif (match := _TABLE_LINE.fullmatch(line)) and match[1] in BACKUP_TABLES:
                table = match[1]
            else:
                raise InvalidBackup(f"There is an unexpected line after {self.count} rows.")
        raise InvalidBackup("The backup is truncated: its last line, integrity, is missing.")

    def _read_head(self) -> None:
        if "".join(islice(self._digested(), _HEAD.count("\n"))) != _HEAD:
            raise InvalidBackup(f"This is not a backup in the format {_FORMAT}.")
        self.declared = "".join(takewhile(_TABLES.__ne__, self._digested()))

    def _digested(self) -> Iterator[str]:
        """Yield the next lines, and add them to the digest."""
        for line in self._lines:
            self._digest.update(line.encode())
            yield line

    def _check_integrity(self, line: str) -> None:
        if line != _integrity_line(self.count, self._digest.hexdigest()):
            raise InvalidBackup("The backup was altered: its content does not match its last line.")
        if next(self._lines, ""):
            raise InvalidBackup("The backup has content after its last line.")
