"""`interlock lint`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from api.cli.exits import EXIT_INVALID_DECLARATION
from api.cli.findings import FindingsFormat, render_findings
from api.cli.values import SubchartKey
from api.files import UnreadableFile, read_layer
from api.web.icons import read_icons
from engine.declaration.group_checks import find_undeclared_groups
from engine.declaration.icon_checks import find_unknown_icons
from engine.declaration.parse import build_declaration
from engine.declaration.silenced_findings import without_silenced
from engine.errors import InvalidDeclaration
from engine.findings import Finding, Location, Severity
from engine.workflows.analysis import analyse
from reconciler.values import ValuesInput, read_values


def lint(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Values files with a `ticketing:` section, or folders; - is standard input.",
        ),
    ],
    key: SubchartKey = "",
    output: Annotated[
        FindingsFormat, typer.Option(help="How to print the findings.")
    ] = FindingsFormat.TEXT,
) -> None:
    """Check values files without a database, each file separately.

    A comment `# interlock: ignore[code] reason` on the line of a warning, or above it, silences it.
    """
    findings = [finding for file in files for finding in _findings_in(file, key)]
    typer.echo(render_findings(findings, output))
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise typer.Exit(EXIT_INVALID_DECLARATION)


def _findings_in(file: Path, key: str) -> Sequence[Finding]:
    """Return the findings in a file or a folder; a single one if it can't be read."""
    try:
        values = ValuesInput([read_layer(file)], key=key)
    except UnreadableFile as error:
        return [Finding("unreadable", error.problem, error.at or Location(str(file), 1, 1))]
    try:
        declaration = build_declaration(read_values(values))
        findings = [
            *analyse(declaration),
            *find_undeclared_groups(declaration),
            *find_unknown_icons(declaration, read_icons()),
        ]
        return [
            each
            for name, text in values.files
            for each in without_silenced(
                [finding for finding in findings if finding.at.file == name], text, name
            )
        ]
    except InvalidDeclaration as error:
        return error.findings
