"""A browser without scripts: a client of the web UI that is signed in by a cookie."""

import re
from collections.abc import Mapping
from typing import Final

from aiohttp import ClientResponse

from api.bootstrap.web import session_lifetime
from api.settings import Settings
from engine.storage.postgres.database import Database
from engine.storage.web_sessions import WebSessionStore
from engine.tickets.actor import Actor
from tests.support.api_client import Client

OWN_PAGE: Final = {"Sec-Fetch-Site": "same-origin"}
"""The header that browsers send with the forms of a page."""
COOKIE: Final = "__Host-interlock"
_PLACEHOLDER: Final = re.compile(r"\{\w+\}")


def store_of(database: Database) -> WebSessionStore:
    """Return the sessions of a server with the default settings."""
    return WebSessionStore(database, session_lifetime(Settings()))


async def signed_in(database: Database, actor: Actor) -> dict[str, str]:
    """Sign in a user, and return the header with their cookie."""
    return {"Cookie": f"{COOKIE}={await store_of(database).create(actor)}"}


def unsafe_routes(client: Client) -> list[tuple[str, str]]:
    """Return method and path of each route of the web UI that can change something.

    Placeholders in a path are those of a ticket that does not exist.
    """
    assert client.app
    return [
        (route.method, _PLACEHOLDER.sub("tk_000000", route.resource.canonical))
        for route in client.app.router.routes()
        if route.method not in {"GET", "HEAD", "OPTIONS"}
        and route.resource is not None
        and not route.resource.canonical.startswith(("/graphql", "/api/"))
    ]


async def submit(
    client: Client,
    path: str,
    cookie: Mapping[str, str],
    form: Mapping[str, str] | None = None,
) -> ClientResponse:
    """Send a form of a page, and return the response without following it."""
    headers = {**OWN_PAGE, **cookie}
    return await client.post(path, data=form or {}, headers=headers, allow_redirects=False)
