"""`interlock`: one module per command; each reads its input, calls the engine, prints a result."""

import os
import sys
from importlib import metadata
from typing import Annotated, Final

import typer

from api.cli.api_key import api_key
from api.cli.apply import apply
from api.cli.backup import backup, restore
from api.cli.db import db
from api.cli.demo import demo
from api.cli.deploy import deploy
from api.cli.doctor import doctor
from api.cli.drift import drift
from api.cli.exits import EXIT_USAGE, exit_code_of
from api.cli.explain import explain
from api.cli.export import export
from api.cli.graph import graph
from api.cli.history import history
from api.cli.license import license_
from api.cli.lint import lint
from api.cli.migrate import migrate
from api.cli.plan import plan
from api.cli.revert import revert
from api.cli.schema import schema
from api.cli.serve import serve
from api.cli.sign_out import sign_out
from api.cli.sla import sla
from api.cli.token import token
from api.cli.webhooks import webhooks
from api.cli.workflows import workflows
from engine.errors import InterlockError, InvalidDeclaration, InvalidInput
from reconciler.report.escaping import visible_lines

EXIT_CODES: Final = """
Exit codes: 0 success, 1 failed or refused, 2 there are changes (plan --detailed-exitcode, drift),
3 the plan has hazards that are not acknowledged, 4 the plan is stale, 5 another reconciliation is
running, 6 a file is missing, or a declaration or a plan has errors, 64 wrong usage.
"""


def _print_version(is_wanted: bool) -> None:  # typer passes it by position
    if is_wanted:
        typer.echo(f"interlock {metadata.version('interlock')}")
        raise typer.Exit


app = typer.Typer(
    help="A ticketing service whose workflows are declared in Helm values.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)


@app.callback()
def options(
    *,
    version: Annotated[  # the callback of the option prints it
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Declare the options of `interlock` itself."""


app.command()(lint)
app.command()(schema)
app.command()(plan)
app.command()(apply)
app.command()(revert)
app.command()(drift)
app.command()(export)
app.add_typer(workflows, name="workflows")
app.command()(explain)
app.command()(graph)
app.command()(token)
app.command()(api_key)
app.command()(sign_out)
app.add_typer(license_, name="license")
app.command()(migrate)
app.add_typer(db, name="db")
app.command()(deploy)
app.command()(doctor)
app.command()(serve)
app.command()(demo)
app.add_typer(history, name="history")
app.add_typer(sla, name="sla")
app.add_typer(webhooks, name="webhooks")
app.command()(backup)
app.command()(restore)


def main() -> None:
    """Run the command line; print errors as one sentence on standard error, without a traceback."""
    try:
        _check_arguments(sys.argv[1:])
        app()
    except InterlockError as error:
        typer.echo(_message_of(error), err=True)
        sys.exit(exit_code_of(error))
    except SystemExit as leaving:
        is_usage = isinstance(leaving.__context__, typer.TyperException)
        sys.exit(EXIT_USAGE if is_usage else leaving.code)


def _check_arguments(arguments: list[str]) -> None:
    """Raise InvalidInput for an argument that is not UTF-8, as it could not be printed."""
    for argument in arguments:
        try:
            argument.encode()  # fails for the lone surrogates of invalid bytes
        except UnicodeEncodeError:
            shown = os.fsencode(argument).decode(errors="backslashreplace")
            raise InvalidInput(f"The argument {shown} is not UTF-8 text.") from None


def _message_of(error: InterlockError) -> str:
    """Return the lines for an error; findings have their own positions and codes."""
    message = visible_lines(error.message)
    if isinstance(error, InvalidDeclaration):
        return message
    first, *others = message.split("\n")
    return "\n".join([f"interlock: {first} [{error.code}]", *others])
