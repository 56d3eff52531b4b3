"""Exporting everything: rows per second against PostgreSQL's own COPY, and the memory it takes."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import median
from time import perf_counter
from typing import Final

import asyncpg
import uvloop
from rich.table import Table
from sqlalchemy import select

from benchmarks.databases import VACUUM, declare, execute_unchecked, temporary_server
from benchmarks.processes import KIBIBYTE, memory_bytes
from benchmarks.synthetic_data import insert_tickets
from benchmarks.tables import new_table, number_columns, print_table
from benchmarks.timing import ratio
from engine.storage.backup import BACKUP_TABLES
from engine.storage.postgres.database import open_database
from engine.storage.postgres.statements import Statement
from reconciler.backup import ROW, backup_lines

_SIZES: Final = (25_000, 100_000)
"""Numbers of tickets."""
_ENTRIES: Final = 4
"""Entries of history for each ticket."""
_ROUNDS: Final = 3
_MEBIBYTE: Final = 1024 * KIBIBYTE

_HISTORY: Final = """
INSERT INTO ticket_status_history
SELECT id, seq, updated_at, requester, 'comment', NULL, description, 2, 1, '{}', sha256(id::bytea)
FROM tickets CROSS JOIN generate_series(1, $1::int) seq
"""
_TITLE: Final = f"""\
Backups of whole databases with {_ENTRIES} entries of history for each ticket
Each in its own process
Medians of {_ROUNDS} rounds; embedded PostgreSQL, default settings"""
_CAPTION: Final = """\
of COPY: the rate, divided by that of a COPY of the same tables in the same order
peak: of the whole process (VmHWM on Linux); of which the export: its growth during the export
The memory is constant if it is the same for both sizes."""


@dataclass(frozen=True, slots=True)
class _Export:
    """The result of one export, or of one COPY.

    Attributes:
        rows: the number of exported rows.
        seconds: the duration.
        before, peak: the peak memory of the process before and after, in bytes.

    """

    rows: int
    seconds: float
    before: int
    peak: int

    @property
    def rate(self) -> float:
        """Rows per second."""
        return self.rows / self.seconds


def main() -> None:
    """Print rates, ratios and peaks."""
    print_table(_table_of({size: _measure(size) for size in _SIZES}))


def _measure(tickets: int) -> list[tuple[_Export, _Export]]:
    """Create this number of tickets, and return rounds of an export and a COPY."""
    with temporary_server() as url:
        uvloop.run(_fill(url, tickets))
        return [_export_and_copy(url) for _ in range(_ROUNDS)]


async def _fill(url: str, tickets: int) -> None:
    """Create the tickets with their histories; an export does not verify the digests."""
    await declare(url)
    await insert_tickets(url, tickets)
    await execute_unchecked(url, _HISTORY, _ENTRIES)
    await execute_unchecked(url, VACUUM)


def _export_and_copy(url: str) -> tuple[_Export, _Export]:
    """Export and copy the tables, each in a new process, so that its peak memory is its own."""
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes:
        export, copy = (
            processes.submit(work, url).result() for work in (_export_in_process, _copy_in_process)
        )
    if export.rows != copy.rows:
        raise RuntimeError(f"{export.rows} rows were exported, and {copy.rows} copied")
    return export, copy


def _export_in_process(url: str) -> _Export:
    return uvloop.run(_export_all(url))


async def _export_all(url: str) -> _Export:
    """Export a database and discard the text."""
    rows = 0
    async with open_database(url, 1) as database:
        before, start = memory_bytes("VmHWM"), perf_counter()
        async for line in backup_lines(database):
            rows += line.startswith(ROW)
        return _Export(rows, perf_counter() - start, before, memory_bytes("VmHWM"))


def _copy_in_process(url: str) -> _Export:
    return uvloop.run(_copy_all(url))


async def _copy_all(url: str) -> _Export:
    """Copy the same tables with COPY and discard the text."""

    async def discard(_text: bytes) -> None:
        pass

    rows = 0
    connection = await asyncpg.connect(url)
    before, start = memory_bytes("VmHWM"), perf_counter()
    for table in BACKUP_TABLES.values():
        query = Statement.of(select(table).order_by(*table.primary_key.columns))
        status = await connection.copy_from_query(query.sql, output=discard)
        rows += int(status.removeprefix("COPY "))
    seconds = perf_counter() - start
    await connection.close()
    return _Export(rows, seconds, before, memory_bytes("VmHWM"))


def _table_of(rounds: dict[int, list[tuple[_Export, _Export]]]) -> Table:
    """Return a table of medians, also of the ratios within a round."""
    speed = number_columns("tickets", "rows", "rows per second", "of COPY")
    memory = number_columns("peak, MiB", "of which the export, MiB")
    table = new_table(*speed, *memory, title=_TITLE, caption=_CAPTION)
    for size, taken in rounds.items():
        exports = [export for export, _ in taken]
        rates = [export.rate for export in exports]
        table.add_row(
            f"{size:,}",
            f"{exports[0].rows:,}",
            f"{median(rates):,.0f}",
            f"{ratio(rates, [copy.rate for _, copy in taken]):.2f}",
            _mebibytes([each.peak for each in exports]),
            _mebibytes([each.peak - each.before for each in exports]),
        )
    return table


def _mebibytes(sizes: Sequence[int]) -> str:
    """Return the median of sizes in bytes, in MiB."""
    return f"{median(sizes) / _MEBIBYTE:.1f}"


if __name__ == "__main__":
    main()
