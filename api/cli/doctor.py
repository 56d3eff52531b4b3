"""`interlock doctor`."""

import asyncio
import os

import typer

from api.cli.exits import EXIT_ERROR
from reconciler.report.escaping import visible

_NAME_WIDTH = 11
_SEVERITY_WIDTH = 4


def doctor() -> None:
    """Check whether a server can run with the settings here.

    Changes nothing. Prints a line for each check: ok, warn or fail, what was found, and what to
    do. Exits with 1 if a check fails.
    """
    if not asyncio.run(_print_results()):
        raise typer.Exit(EXIT_ERROR)


async def _print_results() -> bool:
    """Print each result as soon as it is known; return whether no check failed."""
    from api.bootstrap.doctor import CheckSeverity, diagnose
    from api.logging import silenced

    works = True
    with silenced():
        async for each in diagnose(os.environ):
            works = works and each.severity is not CheckSeverity.FAIL
            text = visible(" ".join(f"{each.message} {each.advice}".split()))
            typer.echo(f"{each.severity:{_SEVERITY_WIDTH}}  {each.check:{_NAME_WIDTH}} {text}")
    return works
