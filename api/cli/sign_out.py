"""`interlock sign-out`."""

import asyncio
import os
from typing import Annotated

import typer

from api.settings import Settings


def sign_out(
    user: Annotated[str, typer.Argument(metavar="USER", help="The id of a user.")],
) -> None:
    """End all sessions of a user in the web UI, on all servers.

    Tokens of the user stay valid. A user who has access at the OpenID provider can sign in again.
    """
    ended = asyncio.run(_end_sessions(user))
    typer.echo(f"{ended} {'session has' if ended == 1 else 'sessions have'} ended.")


async def _end_sessions(user: str) -> int:
    from api.bootstrap.engine import open_current
    from api.bootstrap.web import session_lifetime
    from engine.storage.web_sessions import WebSessionStore

    settings = Settings.from_env(os.environ)
    async with open_current(settings) as engine:
        sessions = WebSessionStore(engine.database, session_lifetime(settings))
        return await sessions.delete_of_user(user)
