"""`interlock token`."""

import os
from datetime import timedelta
from typing import Annotated

import typer

from api import limits
from api.bootstrap.auth import token_issuer
from api.settings import Settings
from engine.declaration.durations import parse_duration
from engine.errors import InvalidInput
from engine.tickets.actor import Actor


def token(
    user: Annotated[str, typer.Option(help="The id of the user, for example u_b1.")],
    name: Annotated[str, typer.Option(help="The display name of the user.")],
    group: Annotated[
        list[str] | None,
        typer.Option(metavar="GROUP", help="A group of the user; repeat it for more."),
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="The user is an admin.")] = False,
    expires: Annotated[str, typer.Option(help="The lifetime, for example 30m or 1d.")] = "8h",
) -> None:
    """Print a token for development.

    The token is signed with INTERLOCK_JWT_SECRET, or with the first secret in
    INTERLOCK_JWT_SECRET_FILE.
    """
    issuer = token_issuer(Settings.from_env(os.environ))
    actor = Actor(user, name, frozenset(group or []), is_admin=admin)
    typer.echo(issuer.issue(actor, _parse_lifetime(expires)))


def _parse_lifetime(text: str) -> timedelta:
    """Return the lifetime of a token.

    Raises:
        InvalidInput: it is not a duration, or it is zero or too long.

    """
    try:
        lifetime = parse_duration(text)
    except ValueError:
        lifetime = timedelta()
    if not timedelta() < lifetime <= timedelta(days=limits.TOKEN_LIFETIME_DAYS):
        raise InvalidInput(
            f"--expires {text!r} must be a duration such as 30m, 8h or 1d, at most"
            f" {limits.TOKEN_LIFETIME_DAYS}d."
        )
    return lifetime
