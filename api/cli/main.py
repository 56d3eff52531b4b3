"""`interlock`: a module a command; each reads its input, asks the engine, shapes the answer."""

import sys

import typer

from api.cli.exits import EXIT_ERROR, EXIT_INVALID_DECLARATION
from api.cli.explain import explain
from api.cli.graph import graph
from api.cli.lint import lint
from engine.errors import InterlockError, InvalidDeclaration

app = typer.Typer(
    help="Declare, check and explain ticket workflows.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(lint)
app.command()(explain)
app.command()(graph)


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
