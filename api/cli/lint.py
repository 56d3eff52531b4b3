"""`interlock lint`."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.declarations import read_declaration
from api.cli.exits import EXIT_INVALID_DECLARATION
from api.cli.findings import FindingsFormat, render_findings
from api.cli.values import SubchartKey
from engine.errors import InvalidDeclaration, InvalidInput
from engine.findings import Finding, Location, Severity
from engine.workflows.analysis import analyse


def lint(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Values files with a `ticketing:` section."),
    ],
    key: SubchartKey = "",
    output: Annotated[
        FindingsFormat, typer.Option(help="How to print the findings.")
    ] = FindingsFormat.TEXT,
) -> None:
    """Check values files without a database, each file separately."""
    findings = [finding for file in files for finding in _findings_in(file, key)]
    typer.echo(render_findings(findings, output))
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise typer.Exit(EXIT_INVALID_DECLARATION)


def _findings_in(file: Path, key: str) -> tuple[Finding, ...]:
    """Return the findings in a file; a single one if the file can't be read."""
    try:
        return analyse(read_declaration(file, key))
    except InvalidDeclaration as error:
        return error.findings
    except InvalidInput as error:
        return (Finding("unreadable", error.message, Location(str(file), 1, 1)),)
