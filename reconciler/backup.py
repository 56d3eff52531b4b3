"""A backup: everything in one YAML file, streamed in constant memory, that proves itself whole.

# an explanation
ticketing: …              what is in force, as `interlock export` prints it
tables:
reconciliations:
- {"id":1,…}            a row a line, as PostgreSQL writes it in JSON
…
integrity: {"rows":…,"sha256":"…"}   over every byte before this line
"""

import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from hashlib import sha256
from typing import Final

from engine.errors import InvalidBackup
from engine.storage.backup import (
    BACKUP_TABLES,
    insert_json,
    is_empty,
    reset_sequences,
    rows_as_json,
)
from engine.storage.history.audit import audit_session
from engine.storage.postgres.database import Database, Session
from engine.storage.resources.read import read_resources
from reconciler.export import values_of

FORMAT: Final = "interlock-backup/1"
HEAD: Final = f"""\
# A backup of Interlock. `interlock restore` reads it into an empty database and proves it whole;
# the section ticketing alone can be planned and applied like any values file.
format: {FORMAT}
"""
TABLES: Final = "tables:\n"
TABLE_LINE: Final = re.compile(r"  ([a-z_]+):\n")
ROW: Final = "  - "
INTEGRITY: Final = "integrity: "
BATCH_ROWS: Final = 500


async def backup_lines(database: Database) -> AsyncIterator[str]:
    """Yield the backup of a database as it is at the beginning, in pieces of whole lines."""
    digest, rows = sha256(), 0
    async with database.snapshot() as session:
        async for line in content_lines(session):
            digest.update(line.encode())
            rows += line.startswith(ROW)
            yield line
    yield INTEGRITY + json.dumps({"rows": rows, "sha256": digest.hexdigest()}) + "\n"


async def content_lines(session: Session) -> AsyncIterator[str]:
    """Yield the lines that are kept under the digest."""
    yield HEAD
    yield values_of((await read_resources(session)).resources)
    yield TABLES
    for table in BACKUP_TABLES:
        yield f"  {table}:\n"
        async for row in rows_as_json(session, table):
            yield f"{ROW}{row}\n"


async def restore(database: Database, lines: Iterable[str]) -> int:
    """Read a backup into an empty database, all of it or nothing, and return how many rows it has.

    Raises:
        InvalidBackup: it is none, was cut off or altered, or does not fit together; or the
            database is not empty. Nothing is changed then.

    """
    async with database.transaction() as session:
        if not await is_empty(session):
            raise InvalidBackup("The database is not empty: restore into a new one.")
        reader = Reader(lines)
        for table, batch in batches(reader.rows()):
            try:
                await insert_json(session, table, batch)
            except ValueError as error:
                raise InvalidBackup(f"It was altered: rows of {table} can't be stored.") from error
        reader.check()
        await reset_sequences(session)
        await check_content(session, reader)
        return reader.count


def batches(rows: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Yield rows in batches, each of one table."""
    current = ""
    batch: list[str] = []
    for table, row in rows:
        if batch and (table != current or len(batch) == BATCH_ROWS):
            yield current, batch
            batch = []
        current = table
        batch.append(row)
    if batch:
        yield current, batch


async def check_content(session: Session, reader: "Reader") -> None:
    """Refuse rows that do not fit together, each by itself whole as they may be."""
    if values_of((await read_resources(session)).resources) != reader.declared:
        raise InvalidBackup("Its section ticketing is not what its tables hold.")
    async for _, flaw in audit_session(session):
        if flaw is not None:
            raise InvalidBackup(f"The history of a ticket does not fit: {flaw}.")


class Reader:
    """Reads a backup line by line.

    Attributes:
        declared: the section `ticketing`, as it stands there.
        count: how many rows were read.

    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._digest = sha256()
        self._integrity = ""
        self.declared = ""
        self.count = 0

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield every row with its table, up to the line of integrity.

        Raises:
            InvalidBackup: a line is none of a backup.

        """
        self._read_head()
        table = ""
        for line in self._lines:
            if line.startswith(INTEGRITY):
                self._integrity = line
                return
            self._digest.update(line.encode())
            if line.startswith(ROW) and table:
                self.count += 1
                yield table, line.removeprefix(ROW).rstrip("\n")
            elif (found := TABLE_LINE.fullmatch(line)) and found[1] in BACKUP_TABLES:
                table = found[1]
            else:
                raise InvalidBackup(f"After {self.count} rows there is a line of something else.")

    def _read_head(self) -> None:
        head = "".join(self._taken(HEAD.count("\n")))
        if head != HEAD:
            raise InvalidBackup(f"This is not a backup of the format {FORMAT}.")
        declared = []
        for line in self._taken(None):
            if line == TABLES:
                break
            declared.append(line)
        self.declared = "".join(declared)

    def _taken(self, count: int | None) -> Iterator[str]:
        taken = 0
        while taken != count:
            line = next(self._lines, "")
            if not line:
                return
            taken += 1
            self._digest.update(line.encode())
            yield line

    def check(self) -> None:
        """Refuse a backup that is not whole.

        Raises:
            InvalidBackup: it was cut off, or altered, or goes on after its end.

        """
        if not self._integrity:
            raise InvalidBackup("It is cut off: its last line, integrity, is missing.")
        wanted = {"rows": self.count, "sha256": self._digest.hexdigest()}
        if self._integrity != INTEGRITY + json.dumps(wanted) + "\n":
            raise InvalidBackup("It was altered: its content is not what its last line says.")
        if next(self._lines, ""):
            raise InvalidBackup("It goes on after its last line.")
