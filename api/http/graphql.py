"""`POST /graphql`: a thin door to the GraphQL layer."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.graphql.executor import GraphQLExecutor, GraphQLRequest
from api.http.bodies import JSON, json_in
from api.http.keys import ACTOR
from engine.errors import InvalidInput
from engine.tickets.actor import Actor

PATH: Final = "/graphql"


class Body(BaseModel):
    """What a client posts (GraphQL over HTTP, section 5)."""

    model_config = ConfigDict(strict=True)

    query: str | None = None
    document_id: str | None = Field(default=None, alias="documentId")
    variables: dict[str, Any] | None = None
    operation_name: str | None = Field(default=None, alias="operationName")
    extensions: dict[str, Any] | None = None


def graphql_route(
    executor: GraphQLExecutor, context_for: Callable[[Actor], Awaitable[object]]
) -> web.RouteDef:
    """Return the route; `context_for` makes what the resolvers of one request share."""

    async def answer(request: web.Request) -> web.Response:
        asked = await read_request(request)
        response = await executor.execute(asked, await context_for(request[ACTOR]))
        return web.Response(
            status=response.status, body=orjson.dumps(response.body), content_type=JSON
        )

    return web.post(PATH, answer)


async def read_request(request: web.Request) -> GraphQLRequest:
    """Return what the body of a request asks.

    Raises:
        UnsupportedMediaType: it is not JSON.
        InvalidInput: it is not a request in GraphQL's form.

    """
    said = await json_in(request)
    try:
        body = Body.model_validate(said)
    except ValidationError as error:
        wrong = "; ".join(f"{each['loc'] or 'body'}: {each['msg']}" for each in error.errors())
        raise InvalidInput(f"The body is not a GraphQL request: {wrong}.") from None
    return GraphQLRequest(body.query, body.variables or {}, body.operation_name, body.document_id)
