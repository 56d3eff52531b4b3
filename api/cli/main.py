"""`interlock`: one function a command; each reads its input, asks the engine, shapes the answer."""

import json
import sys
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from api.cli.findings import Output, render_findings
from engine.errors import InterlockError, InvalidDeclaration, InvalidInput
from engine.findings import Finding, Severity, did_you_mean
from engine.vocabulary import EVERY_ACTOR, NOBODY, STATUSES, ActorRoles, Status
from engine.workflows.analysis import analyse
from engine.workflows.compiler import CompiledWorkflow, compile_workflow
from engine.workflows.defaults import default_workflows
from engine.workflows.documents import Declaration, declare
from engine.workflows.explanation import Explanation, explain
from engine.workflows.registry import Registry
from engine.workflows.rendering import GraphFormat, render

EXIT_INVALID_DECLARATION: Final = 6
EXIT_ERROR: Final = 1

app = typer.Typer(
    help="Declare, check and explain ticket workflows.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def interlock() -> None:
    """Declare, check and explain ticket workflows."""


@app.command()
def lint(
    files: Annotated[list[Path], typer.Argument(help="Values files with a `ticketing:` section.")],
    output: Annotated[Output, typer.Option(help="How to print the findings.")] = Output.TEXT,
) -> None:
    """Check declarations offline; exit 6 when one has an error."""
    findings = [finding for file in files for finding in findings_in(file)]
    typer.echo(render_findings(findings, output))
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise typer.Exit(EXIT_INVALID_DECLARATION)


@app.command("explain")
def explain_command(
    workflow: Annotated[
        str, typer.Argument(help="The name of a workflow, or a file that declares just one.")
    ],
    source: Annotated[str | None, typer.Option("--from", help="The status before.")] = None,
    target: Annotated[str | None, typer.Option("--to", help="The wanted status.")] = None,
    actor: Annotated[
        str, typer.Option("--as", help="What the actor is: assignee,requester,admin.")
    ] = "",
    file: Annotated[
        list[Path] | None, typer.Option("--file", "-f", help="Declarations beside the defaults.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell who may make a transition and why; without a pair, print the whole truth table."""
    compiled = find_workflow(workflow, file or [])
    if source is None and target is None:
        rows = truth_table(compiled)
        typer.echo(json.dumps([row_of(row) for row in rows], indent=2)) if as_json else show(rows)
        return
    if source is None or target is None:
        raise InvalidInput("Give both --from and --to, or neither for the whole truth table.")
    answer = explain(compiled, status_of(source), status_of(target), actor_of(actor))
    typer.echo(json.dumps(details_of(answer), indent=2) if as_json else prose_of(answer))


@app.command()
def graph(
    workflow: Annotated[
        str, typer.Argument(help="The name of a workflow, or a file that declares just one.")
    ],
    form: Annotated[
        GraphFormat, typer.Option("--format", help="How to draw it.")
    ] = GraphFormat.MERMAID,
    file: Annotated[
        list[Path] | None, typer.Option("--file", "-f", help="Declarations beside the defaults.")
    ] = None,
) -> None:
    """Draw a workflow, with the role on each edge."""
    typer.echo(render(find_workflow(workflow, file or []), form), nl=False)


def findings_in(file: Path) -> tuple[Finding, ...]:
    """Return all that is to be said of one file."""
    try:
        return analyse(read(file))
    except InvalidDeclaration as error:
        return error.findings


def read(file: Path) -> Declaration:
    """Return the declaration in a file.

    Raises:
        InvalidInput: the file can't be read as text.
        InvalidDeclaration: its content is wrong.

    """
    try:
        return declare(file.read_text("utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file}: can't be read: {error}.") from None


def find_workflow(wanted: str, files: list[Path]) -> CompiledWorkflow:
    """Return the workflow of a name, or the only one that a file declares.

    Raises:
        NotFound: no such workflow.
        InvalidInput: the file declares none, or several.

    """
    if wanted.endswith((".yaml", ".yml")):
        return only_workflow(Path(wanted))
    declared = [each for file in files for each in read(file).ticketing.workflows]
    return Registry.of(map(compile_workflow, [*default_workflows(), *declared])).named(wanted)


def only_workflow(file: Path) -> CompiledWorkflow:
    """Return the one workflow of a file."""
    workflows = read(file).ticketing.workflows
    if len(workflows) != 1:
        names = ", ".join(each.name for each in workflows) or "none"
        raise InvalidInput(f"{file} declares not one workflow but {names}: use NAME --file {file}.")
    return compile_workflow(workflows[0])


def status_of(text: str) -> Status:
    """Return the status of that name."""
    try:
        return Status(text.upper())
    except ValueError:
        known = ", ".join(STATUSES)
        hint = did_you_mean(text, STATUSES)
        raise InvalidInput(f"{text!r} is not a status: {known}.{hint}") from None


def actor_of(text: str) -> ActorRoles:
    """Return the roles of a comma-separated list."""
    held = NOBODY
    for word in filter(None, (part.strip() for part in text.split(","))):
        known = ActorRoles.__members__
        if word.upper() not in known:
            names = [name.lower() for name in known]
            hint = did_you_mean(word, names)
            raise InvalidInput(f"{word!r} is not a role of an actor: {', '.join(names)}.{hint}")
        held |= known[word.upper()]
    return held


def truth_table(workflow: CompiledWorkflow) -> list[Explanation]:
    """Return the answer for every pair of statuses and every set of roles."""
    return [
        explain(workflow, source, target, actor)
        for source in STATUSES
        for target in STATUSES
        for actor in EVERY_ACTOR
    ]


def row_of(answer: Explanation) -> dict[str, object]:
    """Return one row of the truth table as JSON has it."""
    return {
        "from": answer.source,
        "to": answer.target,
        "as": list(answer.holds.names),
        "allowed": answer.allowed,
        "reason": answer.reason,
    }


def details_of(answer: Explanation) -> dict[str, object]:
    """Return the whole explanation as JSON has it."""
    return row_of(answer) | {
        "workflow": answer.workflow,
        "message": answer.sentence,
        "whoCould": list(answer.who_could.names),
        "openNow": list(answer.open_now),
        "shortestPath": list(answer.shortest_path),
    }


def prose_of(answer: Explanation) -> str:
    """Return the whole explanation for people."""
    lines = [("allowed: " if answer.allowed else f"refused ({answer.reason}): ") + answer.sentence]
    lines.append(f"Open to this actor now: {', '.join(answer.open_now) or 'nothing'}.")
    path = " -> ".join(answer.shortest_path) or "none"
    lines.append(f"Shortest path of declared transitions to {answer.target}: {path}.")
    return "\n".join(lines)


def show(rows: list[Explanation]) -> None:
    """Print the truth table: a line a pair, a column a set of roles."""
    table = Table("from", "to", *("\n".join(actor.names) or "nobody" for actor in EVERY_ACTOR))
    width = len(EVERY_ACTOR)
    for start in range(0, len(rows), width):
        pair = rows[start : start + width]
        marks = ["yes" if answer.allowed else "-" for answer in pair]
        table.add_row(pair[0].source, pair[0].target, *marks)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def main() -> None:
    """Run the command line; a refusal is a sentence on standard error, never a traceback."""
    try:
        app()
    except InvalidDeclaration as error:
        typer.echo(str(error), err=True)
        sys.exit(EXIT_INVALID_DECLARATION)
    except InterlockError as error:
        typer.echo(f"interlock: {error.message} [{error.code}]", err=True)
        sys.exit(EXIT_ERROR)
