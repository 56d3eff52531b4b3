"""`interlock explain`."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from api.cli.declarations import find_workflow
from api.cli.options import Actor, DeclarationFiles, WorkflowName, parse_status
from api.cli.tables import print_table
from engine.vocabulary import NO_ROLES, ROLE_COMBINATIONS, STATUSES, ActorRoles, Status
from engine.workflows import explanation
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.explanation import Explanation


def explain(
    workflow: WorkflowName,
    source: Annotated[
        Status | None,
        typer.Option("--from", parser=parse_status, metavar="STATUS", help="The current status."),
    ] = None,
    target: Annotated[
        Status | None,
        typer.Option("--to", parser=parse_status, metavar="STATUS", help="The new status."),
    ] = None,
    actor: Actor = None,
    file: DeclarationFiles = None,
    *,
    full: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Include transitions that are not declared, and actors with no or several roles.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Explain who can make a transition, and why.

    Without --from and --to, print the table of the declared transitions and of the actors with one
    role. An actor with several roles can make the transitions of each of them.
    """
    if (source is None) is not (target is None):
        raise typer.BadParameter(
            "pass both --from and --to, or neither to print the table of transitions."
        )
    compiled = find_workflow(workflow, file or [])
    if source is None or target is None:
        actors = ROLE_COMBINATIONS if full else tuple(ActorRoles)
        rows = truth_table(compiled, actors if actor is None else (actor,))
        if not full:
            rows = [row for row in rows if row.allowed_roles]
        print_json([row_of(row) for row in rows]) if as_json else print_table(table_of(rows))
    else:
        answer = explanation.explain(compiled, source, target, actor or NO_ROLES)
        print_json(details_of(answer)) if as_json else typer.echo(prose_of(answer))


def truth_table(workflow: CompiledWorkflow, actors: Sequence[ActorRoles]) -> list[Explanation]:
    """Return the explanation for every pair of statuses and each of these actors."""
    return [
        explanation.explain(workflow, source, target, actor)
        for source in STATUSES
        for target in STATUSES
        for actor in actors
    ]


def row_of(answer: Explanation) -> dict[str, object]:
    """Return one row of the table for JSON."""
    return {
        "from": answer.source,
        "to": answer.target,
        "actorRoles": list(answer.actor_roles.names),
        "allowed": answer.allowed,
        "reason": answer.reason,
    }


def details_of(answer: Explanation) -> dict[str, object]:
    """Return an explanation for JSON."""
    return row_of(answer) | {
        "workflow": answer.workflow,
        "message": answer.general_message,
        "allowedRoles": list(answer.allowed_roles.names),
        "availableStatuses": list(answer.available_statuses),
        "shortestPath": list(answer.shortest_path),
    }


def prose_of(answer: Explanation) -> str:
    """Return an explanation as text."""
    result = "allowed: " if answer.allowed else f"refused ({answer.reason}): "
    lines = [result + answer.general_message]
    statuses = ", ".join(answer.available_statuses) or "none"
    lines.append(f"Statuses that this actor can move the ticket to: {statuses}.")
    path = " -> ".join(answer.shortest_path) or "none"
    lines.append(f"Shortest path to {answer.target}: {path}.")
    return "\n".join(lines)


def print_json(value: object) -> None:
    """Print a value as JSON."""
    typer.echo(json.dumps(value, indent=2))


def table_of(rows: Sequence[Explanation]) -> Table:
    """Return the table: one row per pair of statuses, one column per set of roles."""
    actors = list(dict.fromkeys(answer.actor_roles for answer in rows))
    table = Table("from", "to", *("\n".join(actor.names) or "no role" for actor in actors))
    for start in range(0, len(rows), len(actors)):
        pair = rows[start : start + len(actors)]
        marks = ["yes" if answer.allowed else "-" for answer in pair]
        table.add_row(pair[0].source, pair[0].target, *marks)
    return table
