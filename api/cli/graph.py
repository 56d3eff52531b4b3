"""`interlock graph`."""

from typing import Annotated

import typer

from api.cli.declarations import find_workflow
from api.cli.options import Actor, DeclarationFiles, WorkflowName, status_of
from engine.vocabulary import Status
from engine.workflows.rendering import GraphFormat, render
from engine.workflows.svg import draw


def graph(
    workflow: WorkflowName,
    form: Annotated[
        GraphFormat, typer.Option("--format", help="How to draw it.")
    ] = GraphFormat.MERMAID,
    current: Annotated[
        Status | None,
        typer.Option(parser=status_of, metavar="STATUS", help="In SVG: where the ticket is."),
    ] = None,
    viewer: Actor = None,
    file: DeclarationFiles = None,
) -> None:
    """Draw a workflow, with the role on each edge.

    In SVG, --current marks where a ticket is, and --as the transitions that are open to an actor.
    """
    compiled = find_workflow(workflow, file or [])
    if form is GraphFormat.SVG:
        drawn = draw(compiled, current=current, viewer=viewer)
    elif current is None and viewer is None:
        drawn = render(compiled, form)
    else:
        raise typer.BadParameter("--current and --as mark something in SVG only; add --format svg.")
    typer.echo(drawn, nl=False)
