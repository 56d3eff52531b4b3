"""`interlock demo`."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import typer
from aiohttp import web

from api.bootstrap import application_on, open_parts
from api.demo import ANNA, MARTON, fill, with_secret
from api.http.server import run_server
from api.identity import Tokens
from api.logs import configure_logging
from api.settings import Settings

TOKEN_LIFETIME: Final = timedelta(days=7)

BANNER: Final = """
Interlock serves at {url}/graphql with {data}. Ctrl-C stops it.

Two people to be (tokens for a week):

  export ANNA={anna}
  export MARTON={marton}

Anna reports, Marton is in the payment-team. In another terminal, paste both and try:

  curl -s {url}/graphql -H "Authorization: Bearer $ANNA" -H 'Content-Type: application/json' \\
    -d '{{"query": "{{ tickets(first: 5) {{ nodes {{ id title status }} }} }}"}}'

README.md goes on from here with an incident from its report to its confirmation.
"""


def demo() -> None:
    """Serve with demo data: migrate, put the default workflows in force, fill an empty database."""
    settings = with_secret(Settings.from_env(os.environ))
    configure_logging(settings.log_format, settings.log_level)
    run_server(open_demo(settings), settings.host, settings.port, announcement(settings))


@asynccontextmanager
async def open_demo(settings: Settings) -> AsyncIterator[web.Application]:
    """Fill the database, then open the application on it."""
    async with open_parts(settings) as parts:
        await fill(parts)
        async with application_on(parts, settings) as application:
            yield application


def announcement(settings: Settings) -> Callable[[str], None]:
    """Return what tells a newcomer where Interlock is and what to try."""
    tokens = Tokens(settings.demand_jwt_secret())
    anna, marton = (tokens.mint(person, TOKEN_LIFETIME) for person in (ANNA, MARTON))
    where = (
        "the database of INTERLOCK_DATABASE_URL"
        if settings.database_url
        else (f"its own PostgreSQL in {settings.data_dir}")
    )

    def announce(url: str) -> None:
        typer.echo(BANNER.format(url=url, data=where, anna=anna, marton=marton))

    return announce
