"""`interlock token`."""

import os
from datetime import timedelta
from typing import Annotated

import typer

from api import limits
from api.bootstrap.auth import secret_tokens
from api.settings import Settings
from engine.declaration.durations import parse_duration
from engine.errors import InvalidInput
from engine.tickets.actor import Actor


def token(
    user: Annotated[str, typer.Option(help="The id of the person, e.g. u_b1.")],
    name: Annotated[str, typer.Option(help="The name of the person, as others see it.")],
    group: Annotated[
        list[str] | None,
        typer.Option(metavar="GROUP", help="A group of the person; give it once a group."),
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="The person is an admin.")] = False,
    expires: Annotated[str, typer.Option(help="How long it is good for, e.g. 30m or 1d.")] = "8h",
) -> None:
    """Print a token for development. It is signed with INTERLOCK_JWT_SECRET(_FILE)."""
    tokens = secret_tokens(Settings.from_env(os.environ))
    actor = Actor(user, name, frozenset(group or []), is_admin=admin)
    typer.echo(tokens.mint(actor, lifetime_of(expires)))


def lifetime_of(text: str) -> timedelta:
    """Return how long a token is good for.

    Raises:
        InvalidInput: it is no duration, nothing at all, or longer than a token may live.

    """
    try:
        lifetime = parse_duration(text)
    except ValueError:
        lifetime = timedelta()
    if not timedelta() < lifetime <= timedelta(days=limits.TOKEN_LIFETIME_DAYS):
        raise InvalidInput(
            f"--expires {text!r} is not how long a token may live: write for example 30m, 8h or "
            f"1d, at most {limits.TOKEN_LIFETIME_DAYS}d."
        )
    return lifetime
