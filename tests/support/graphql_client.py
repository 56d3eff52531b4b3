"""The endpoint of GraphQL with a small schema and no database, and a client for it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from api.auth.tokens import TokenIssuer
from api.graphql.registry import Resolvers
from api.graphql.transport.endpoint import GraphQLEndpoint
from api.http.application import AccessControl, build_application
from api.limits import HttpLimits
from api.web.explorer.routes import Explorer
from engine.errors import Forbidden, Unavailable
from engine.tickets.actor import Actor
from tests.support.executors import build_executor
from tests.support.explorers import file_routes

SDL = """
type Query {
  hello(name: String!): String! me: String! refused: String needed: String! broken: String
  unavailable: String
}
type Mutation { touch: Int! }
"""
GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
TOKENS = TokenIssuer(SecretStr("0123456789abcdef" * 2))
ANNA = Actor("u_b1", "Anna K.", frozenset())
BEARER = {"Authorization": f"Bearer {TOKENS.issue(ANNA, timedelta(hours=1))}"}

NO_RATE_LIMITS = HttpLimits(viewer_rate=0, address_rate=0)
"""A test module sends more requests at once than the default limits allow."""

Client = TestClient[web.Request, web.Application]

touched: list[str] = []
resolvers = Resolvers()


@resolvers.field("Query.hello")
async def hello(_parent: None, arguments: Mapping[str, str], *_: object) -> str:
    return f"Hello {arguments['name']}"


@resolvers.field("Query.me")
async def me(_parent: None, _arguments: object, context: Actor, _info: object) -> str:
    return context.name


@resolvers.field("Query.refused")
@resolvers.field("Query.needed")
async def refused(*_: object) -> None:
    raise Forbidden


@resolvers.field("Query.unavailable")
async def unavailable(*_: object) -> None:
    raise Unavailable


@resolvers.field("Query.broken")
async def broken(*_: object) -> None:
    raise RuntimeError("password=hunter2")


@resolvers.field("Mutation.touch")
async def touch(_parent: None, _arguments: object, context: Actor, _info: object) -> int:
    touched.append(context.id)
    return len(touched)


async def context_for(actor: Actor) -> Actor:
    return actor


@asynccontextmanager
async def opened(
    batch: int = 0,
    explorer: Explorer | None = None,
    limits: HttpLimits = NO_RATE_LIMITS,
    contexts: Callable[[Actor], Awaitable[Actor]] = context_for,
) -> AsyncIterator[Client]:
    """Run a server that accepts batches of this size."""
    executor = await build_executor(SDL, [resolvers])
    files = file_routes(explorer) if explorer else []
    routes = [*GraphQLEndpoint(executor, contexts, batch, explorer).routes, *files]
    application = build_application(routes, AccessControl(TOKENS, limits=limits))
    async with TestClient(TestServer(application)) as client:
        yield client


@dataclass(frozen=True)
class Answer:
    """The response to a request."""

    status: int
    media_type: str
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:  # noqa: ANN401  # any JSON
        return json.loads(self.text)

    @property
    def codes(self) -> set[str]:
        return {error["extensions"]["code"] for error in self.body.get("errors", [])}


@dataclass(frozen=True)
class Sent:
    """One authenticated request."""

    body: bytes | None = None
    accept: str | None = GRAPHQL
    method: str = "POST"
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": JSON})

    async def to(self, client: Client) -> Answer:
        accept = {} if self.accept is None else {"Accept": self.accept}
        async with client.request(
            self.method,
            f"/graphql{self.query}",
            data=self.body,
            headers=BEARER | accept | dict(self.headers),
            skip_auto_headers=["Accept", "Content-Type"],
        ) as response:
            text = (await response.read()).decode("utf-8")
            kind = response.headers.get("Content-Type", "")
            return Answer(response.status, kind, response.headers, text)


def post(accept: str | None = GRAPHQL, **parameters: object) -> Sent:
    """Return a request by POST."""
    return Sent(json.dumps(parameters).encode(), accept)
