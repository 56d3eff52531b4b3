"""`interlock db`."""

from typing import Annotated, Final

import typer

db: Final = typer.Typer(help="Prepare a database.", no_args_is_help=True)


@db.callback()
def of_database() -> None:
    """Prepare a database."""


@db.command()
def grants(
    role: Annotated[str, typer.Argument(metavar="ROLE", help="A role that owns no tables.")],
) -> None:
    """Print the SQL that grants a role the rights of a server.

    The role loses its other rights on the tables. PUBLIC loses the right to create objects.
    """
    from engine.storage.postgres.grants import grants_sql

    typer.echo(grants_sql(role))
