"""`interlock graph`."""

from typing import Annotated

import typer

from api.cli.declarations import find_workflow
from api.cli.options import Actor, DeclarationFiles, WorkflowName, parse_status
from engine.vocabulary import Status
from engine.workflows.rendering import GraphFormat, render
from engine.workflows.svg import draw


def graph(
    workflow: WorkflowName,
    form: Annotated[
        GraphFormat, typer.Option("--format", help="The format of the drawing.")
    ] = GraphFormat.MERMAID,
    current: Annotated[
        Status | None,
        typer.Option(
            parser=parse_status, metavar="STATUS", help="In SVG: the status of the ticket."
        ),
    ] = None,
    viewer: Actor = None,
    file: DeclarationFiles = None,
) -> None:
    """Draw a workflow, with the role on each edge.

    In SVG, --current marks the status of a ticket, and --as the transitions that an actor can make.
    """
    compiled = find_workflow(workflow, file or [])
    if form is GraphFormat.SVG:
        drawn = draw(compiled, current=current, viewer=viewer)
    elif current is None and viewer is None:
        drawn = render(compiled, form)
    else:
        raise typer.BadParameter("--current and --as work only with SVG; add --format svg.")
    typer.echo(drawn, nl=False)
