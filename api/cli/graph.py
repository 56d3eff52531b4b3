"""`interlock graph`."""

from typing import Annotated

import typer

from api.cli.declarations import find_workflow
from api.cli.options import DeclarationFiles, WorkflowName
from engine.workflows.rendering import GraphFormat, render


def graph(
    workflow: WorkflowName,
    form: Annotated[
        GraphFormat, typer.Option("--format", help="How to draw it.")
    ] = GraphFormat.MERMAID,
    file: DeclarationFiles = None,
) -> None:
    """Draw a workflow, with the role on each edge."""
    typer.echo(render(find_workflow(workflow, file or []), form), nl=False)
