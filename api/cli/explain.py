"""`interlock explain`."""

import json
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.cli.declarations import find_workflow
from api.cli.options import DeclarationFiles, WorkflowName, actor_of, status_of
from engine.errors import InvalidInput
from engine.vocabulary import EVERY_ACTOR, STATUSES
from engine.workflows import explanation
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.explanation import Explanation


def explain(
    workflow: WorkflowName,
    source: Annotated[str | None, typer.Option("--from", help="The status before.")] = None,
    target: Annotated[str | None, typer.Option("--to", help="The wanted status.")] = None,
    actor: Annotated[
        str, typer.Option("--as", help="What the actor is: assignee,requester,admin.")
    ] = "",
    file: DeclarationFiles = None,
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
    answer = explanation.explain(compiled, status_of(source), status_of(target), actor_of(actor))
    typer.echo(json.dumps(details_of(answer), indent=2) if as_json else prose_of(answer))


def truth_table(workflow: CompiledWorkflow) -> list[Explanation]:
    """Return the answer for every pair of statuses and every set of roles."""
    return [
        explanation.explain(workflow, source, target, actor)
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
