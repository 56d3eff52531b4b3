"""`interlock lint`."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.declarations import read
from api.cli.exits import EXIT_INVALID_DECLARATION
from api.cli.findings import Output, render_findings
from engine.errors import InvalidDeclaration
from engine.findings import Finding, Severity
from engine.workflows.analysis import analyse


def lint(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Values files with a `ticketing:` section."),
    ],
    output: Annotated[Output, typer.Option(help="How to print the findings.")] = Output.TEXT,
) -> None:
    """Check declarations offline."""
    findings = [finding for file in files for finding in findings_in(file)]
    typer.echo(render_findings(findings, output))
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise typer.Exit(EXIT_INVALID_DECLARATION)


def findings_in(file: Path) -> tuple[Finding, ...]:
    """Return all that is to be said of one file."""
    try:
        return analyse(read(file))
    except InvalidDeclaration as error:
        return error.findings
