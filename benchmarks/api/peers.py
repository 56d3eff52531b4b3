"""The same part of the schema with Strawberry and Ariadne, on the bare handler's storage.

They have no authentication, limits, metrics or logs. They resolve from dictionaries that the
storage has already completed, including users.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any, Final

import orjson
import strawberry
from aiohttp import web
from ariadne import MutationType, QueryType, graphql, make_executable_schema
from strawberry.aiohttp.views import GraphQLView

from benchmarks.api.bare import json_response
from benchmarks.api.storage import Row, Storage

SDL: Final = """
type Query { ticket(id: ID!): Ticket tickets(first: Int!): Page }
type Mutation {
  transitionTicket(id: ID!, to: Status!): Payload
  createTicket(title: String!, description: String!, workflow: String!, assignee: ID): Payload
}
enum Status { OPEN IN_PROGRESS RESOLVED CLOSED }
type Page { nodes: [Ticket!]! }
type Payload { ticket: Ticket! }
type User { id: ID! name: String! }
type Ticket {
  id: ID! title: String! description: String! status: Status! priority: String! workflow: String!
  version: Int! createdAt: String! updatedAt: String! assigneeGroup: String
  requester: User assignee: User
}
"""

_query: Final = QueryType()
_mutation: Final = MutationType()


@_query.field("ticket")
async def ticket(_parent: object, info: Any, id: str) -> Row:  # noqa: A002, ANN401, D103
    return await _storage_in(info).ticket(id)


@_query.field("tickets")
async def tickets(_parent: object, info: Any, first: int) -> Row:  # noqa: ANN401, D103
    return {"nodes": await _storage_in(info).page(first)}


@_mutation.field("transitionTicket")
async def transition(_parent: object, info: Any, id: str, to: str) -> Row:  # noqa: A002, ANN401, D103
    return {"ticket": await _storage_in(info).transition(id, to)}


@_mutation.field("createTicket")
async def create(_parent: object, info: Any, **values: str) -> Row:  # noqa: ANN401, D103
    return {"ticket": await _storage_in(info).create(values)}


def _storage_in(info: Any) -> Storage:  # noqa: ANN401
    """Return the storage of a request."""
    storage: Storage = info.context["storage"]
    return storage


@asynccontextmanager
async def ariadne_application(url: str) -> AsyncIterator[web.Application]:
    """Yield an application with Ariadne in a handler."""
    schema = make_executable_schema(SDL, _query, _mutation)
    async with Storage.opened(url) as storage:

        async def handle(request: web.Request) -> web.Response:
            body = orjson.loads(await request.read())
            _, result = await graphql(schema, body, context_value={"storage": storage})
            return json_response(result)

        application = web.Application()
        application.router.add_post("/graphql", handle)
        yield application


@strawberry.enum
class Status(Enum):
    """The status of a ticket."""

    OPEN = "OPEN"
    IN_PROGRESS = "IN_PROGRESS"
    RESOLVED = "RESOLVED"
    CLOSED = "CLOSED"


@strawberry.type
class User:
    """A user."""

    id: strawberry.ID
    name: str


@strawberry.type
class Ticket:
    """A ticket."""

    id: strawberry.ID
    title: str
    description: str
    status: str
    priority: str
    workflow: str
    version: int
    created_at: str
    updated_at: str
    assignee_group: str | None
    requester: User | None
    assignee: User | None

    @classmethod
    def of(cls, row: Row) -> "Ticket":
        """Return a row of the storage as a ticket."""
        return cls(
            id=row["id"],
            title=row["title"],
            description=row["description"],
            status=row["status"],
            priority=row["priority"],
            workflow=row["workflow"],
            version=row["version"],
            created_at=row["createdAt"],
            updated_at=row["updatedAt"],
            assignee_group=row["assigneeGroup"],
            requester=row["requester"] and User(**row["requester"]),
            assignee=row["assignee"] and User(**row["assignee"]),
        )


@strawberry.type
class Page:
    """A page of tickets."""

    nodes: list[Ticket]


@strawberry.type
class ChangedTicket:
    """A ticket that was created or changed."""

    id: strawberry.ID
    status: str
    version: int
    updated_at: str


@strawberry.type
class Payload:
    """The result of a mutation."""

    ticket: ChangedTicket

    @classmethod
    def of(cls, row: Row) -> "Payload":
        """Return a row of the storage as a payload."""
        return cls(
            ticket=ChangedTicket(
                id=row["id"],
                status=row["status"],
                version=row["version"],
                updated_at=row["updatedAt"],
            )
        )


@strawberry.type
class Query:
    """The queries."""

    @strawberry.field
    async def ticket(self, info: strawberry.Info, id: strawberry.ID) -> Ticket:  # noqa: A002
        """Return a ticket."""
        return Ticket.of(await _storage_in(info).ticket(id))

    @strawberry.field
    async def tickets(self, info: strawberry.Info, first: int) -> Page:
        """Return a page."""
        return Page(nodes=[Ticket.of(row) for row in await _storage_in(info).page(first)])


@strawberry.type
class Mutation:
    """The mutations."""

    @strawberry.mutation
    async def transition_ticket(
        self,
        info: strawberry.Info,
        id: strawberry.ID,  # noqa: A002
        to: Status,
    ) -> Payload:
        """Change the status of a ticket."""
        return Payload.of(await _storage_in(info).transition(id, to.value))

    @strawberry.mutation
    async def create_ticket(
        self,
        info: strawberry.Info,
        title: str,
        description: str,
        workflow: str,
        assignee: strawberry.ID | None = None,
    ) -> Payload:
        """Open a ticket."""
        values = {
            "title": title,
            "description": description,
            "workflow": workflow,
            "assignee": assignee,
        }
        return Payload.of(await _storage_in(info).create(values))


@asynccontextmanager
async def strawberry_application(url: str) -> AsyncIterator[web.Application]:
    """Yield an application with Strawberry's view for aiohttp."""
    schema = strawberry.Schema(query=Query, mutation=Mutation)
    async with Storage.opened(url) as storage:

        class WithStorage(GraphQLView[Any, Any]):
            async def get_context(self, request: Any, response: Any) -> Any:  # noqa: ANN401
                return {"storage": storage, "request": request, "response": response}

        application = web.Application()
        application.router.add_route("*", "/graphql", WithStorage(schema=schema))
        yield application
