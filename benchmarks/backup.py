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

SIZES: Final = (25_000, 100_000)
"""Tickets."""
ENTRIES: Final = 4
"""Of history, a ticket."""
ROUNDS: Final = 3
MEBIBYTE: Final = 1024 * KIBIBYTE

HISTORY: Final = """
INSERT INTO ticket_status_history
SELECT id, seq, updated_at, requester, 'comment', NULL, description, 2, 1, '{}', sha256(id::bytea)
FROM tickets CROSS JOIN generate_series(1, $1::int) seq
"""
TITLE: Final = f"""\
Exports of whole databases, {ENTRIES} entries of history a ticket; each in a process of its own
Medians of {ROUNDS} rounds; embedded PostgreSQL, default settings"""
CAPTION: Final = """\
of COPY: the rate, of that at which COPY hands out the same tables in the same order, not looked at
peak: of the whole process (Linux: VmHWM); of which the export: by how much it grew while exporting
The memory is constant if both sizes take the same."""


@dataclass(frozen=True, slots=True)
class Export:
    """What one export did, or a COPY in its place.

    Attributes:
        rows: that were written.
        seconds: that it took.
        before, peak: bytes that the process had held at most before, and in the end.

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
    print_table(table_of({size: measured(size) for size in SIZES}))


def measured(tickets: int) -> list[tuple[Export, Export]]:
    """Make so many tickets, and take rounds of an export and a COPY."""
    with temporary_server() as url:
        uvloop.run(fill(url, tickets))
        return [in_turn(url) for _ in range(ROUNDS)]


async def fill(url: str, tickets: int) -> None:
    """Make the tickets and their histories; exporting asks nobody whether they fit."""
    await declare(url)
    await insert_tickets(url, tickets)
    await execute_unchecked(url, HISTORY, ENTRIES)
    await execute_unchecked(url, VACUUM)


def in_turn(url: str) -> tuple[Export, Export]:
    """Export, and copy; each in a new process, which has held no memory yet.

    Raises:
        RuntimeError: they did not come to the same rows.

    """
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes:
        export, copy = (processes.submit(work, url).result() for work in (exported, copied))
    if export.rows != copy.rows:
        raise RuntimeError(f"{export.rows} rows were exported, and {copy.rows} copied")
    return export, copy


def exported(url: str) -> Export:
    """Export a database and throw the text away."""
    return uvloop.run(export_all(url))


async def export_all(url: str) -> Export:
    """Do as `exported`."""
    rows = 0
    async with open_database(url, 1) as database:
        before, start = memory_bytes("VmHWM"), perf_counter()
        async for line in backup_lines(database):
            rows += line.startswith(ROW)
        return Export(rows, perf_counter() - start, before, memory_bytes("VmHWM"))


def copied(url: str) -> Export:
    """Have PostgreSQL copy the same tables, and throw the text away."""
    return uvloop.run(copy_all(url))


async def copy_all(url: str) -> Export:
    """Do as `copied`."""

    async def throw_away(_text: bytes) -> None:
        pass

    rows = 0
    connection = await asyncpg.connect(url)
    before, start = memory_bytes("VmHWM"), perf_counter()
    for table in BACKUP_TABLES.values():
        query = Statement.of(select(table).order_by(*table.primary_key.columns))
        status = await connection.copy_from_query(query.sql, output=throw_away)
        rows += int(status.removeprefix("COPY "))
    seconds = perf_counter() - start
    await connection.close()
    return Export(rows, seconds, before, memory_bytes("VmHWM"))


def table_of(rounds: dict[int, list[tuple[Export, Export]]]) -> Table:
    """Return medians, and of the ratios within a round, as a table."""
    speed = number_columns("tickets", "rows", "rows per second", "of COPY")
    memory = number_columns("peak, MiB", "of which the export, MiB")
    table = new_table(*speed, *memory, title=TITLE, caption=CAPTION)
    for size, taken in rounds.items():
        exports = [export for export, _ in taken]
        rates = [export.rate for export in exports]
        table.add_row(
            f"{size:,}",
            f"{exports[0].rows:,}",
            f"{median(rates):,.0f}",
            f"{ratio(rates, [copy.rate for _, copy in taken]):.2f}",
            mebibytes([each.peak for each in exports]),
            mebibytes([each.peak - each.before for each in exports]),
        )
    return table


def mebibytes(sizes: Sequence[int]) -> str:
    """Return the median of sizes in bytes."""
    return f"{median(sizes) / MEBIBYTE:.1f}"


if __name__ == "__main__":
    main()
