"""`interlock`: a module a command; each reads its input, asks the engine, shapes the answer."""

import sys
from typing import Final

import typer

from api.cli.demo import demo
from api.cli.exits import EXIT_ERROR, EXIT_INVALID_DECLARATION, EXIT_USAGE
from api.cli.explain import explain
from api.cli.graph import graph
from api.cli.history import history
from api.cli.lint import lint
from api.cli.migrate import migrate
from api.cli.serve import serve
from api.cli.token import token
from engine.errors import InterlockError, InvalidDeclaration

USAGE_ERROR_OF_TYPER: Final = 2

app = typer.Typer(
    help="Tickets that move only as their declared workflows allow.",
    epilog="Exit codes: 0 done, 1 refused or failed, 6 a declaration has errors, 64 wrong usage.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
app.command()(lint)
app.command()(explain)
app.command()(graph)
app.command()(token)
app.command()(migrate)
app.command()(serve)
app.command()(demo)
app.add_typer(history, name="history")


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
    except SystemExit as leaving:
        sys.exit(EXIT_USAGE if leaving.code == USAGE_ERROR_OF_TYPER else leaving.code)
