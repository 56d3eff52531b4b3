"""A client of the whole application, and the credentials that it sends."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeAlias

from aiohttp import web
from aiohttp.test_utils import TestClient
from pydantic import SecretStr

from api.auth.api_keys import generate_api_key
from api.auth.tokens import TokenIssuer
from engine.storage.postgres.database import Database
from engine.tickets.actor import Actor

SECRET: Final = SecretStr("0123456789abcdef" * 2)
TOKENS: Final = TokenIssuer(SECRET)
KEY: Final = generate_api_key()
"""An API key with every scope, on servers whose settings contain it."""

Client: TypeAlias = TestClient[web.Request, web.Application]


def bearer(actor: Actor) -> dict[str, str]:
    """Return the headers that authenticate a user for an hour."""
    return {"Authorization": f"Bearer {TOKENS.issue(actor, timedelta(hours=1))}"}


@dataclass(frozen=True)
class SharedApplication:
    """An application that all tests of a module use; each test has its own tickets.

    Attributes:
        database: the database of the application.

    """

    client: Client
    database: Database


class Api:
    """A GraphQL client of the application."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def ask(self, actor: Actor, query: str, **variables: object) -> dict[str, Any]:
        """Return the response; check that each error in it names the request that is logged."""
        body = {"query": query, "variables": variables}
        async with self.client.post("/graphql", json=body, headers=bearer(actor)) as response:
            answer: dict[str, Any] = await response.json()
        for error in answer.get("errors", ()):
            assert error["extensions"].pop("requestId") == response.headers["X-Request-ID"]
        return answer

    async def data(self, actor: Actor, query: str, **variables: object) -> dict[str, Any]:
        """Return the data of a response without errors."""
        answer = await self.ask(actor, query, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def refusal(self, actor: Actor, query: str, **variables: object) -> dict[str, Any]:
        """Return the extensions of the only error of a response."""
        [error] = (await self.ask(actor, query, **variables))["errors"]
        extensions: dict[str, Any] = error["extensions"]
        return extensions
