"""`GET /api/v1/openapi.json`: the document of REST, made from what its routes declare.

It is OpenAPI 3.1, and holds nothing that is not in the source, so everybody may read it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from importlib.metadata import version
from itertools import groupby
from typing import Final

from aiohttp import hdrs, web
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from api.auth.api_keys import KeyRequired
from api.http.access import API_KEY_HEADER, ApiKeyAccess, ProtectedRoute, allow_anyone, require_user
from api.http.app_keys import Access
from api.http.body import JSON, BodyTooLarge, UnsupportedMediaType
from api.http.paths import PROBE_PATHS
from api.http.rate_limiter import TooManyRequests
from api.json_encoding import Json, JsonObject
from api.rest.openapi.headers import header_components, headers_of
from api.rest.openapi.operation import REFERENCES, JsonBody, Operation, Response, TextBody
from api.rest.openapi.problem_schemas import document_of as problem_document_of
from engine.declaration.json_schema import UntitledSchema
from engine.errors import Forbidden, InterlockError, InvalidInput, Unauthenticated, Unavailable

DOCUMENT_PATH: Final = "/api/v1/openapi.json"
OPENAPI: Final = "3.1.0"
DESCRIPTION: Final = """\
What Interlock offers to scripts and machines; people and programs that speak GraphQL find more at
`/graphql`. Every refusal is a problem document (RFC 9457), whose `code` never changes its meaning.
"""
SCHEMES: Final[JsonObject] = {
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "key": {"type": "apiKey", "in": "header", "name": API_KEY_HEADER},
}
BUSY: Final = (TooManyRequests, Unavailable)
"""What every operation may answer but the probes."""
CACHING: Final = "public, max-age=300"

Model = type[BaseModel]
Schemas = Mapping[tuple[Model, JsonSchemaMode], JsonObject]
Refusal = type[InterlockError]


def openapi_route(routes: Iterable[web.AbstractRouteDef]) -> ProtectedRoute:
    """Return the route of the document of these routes, and of itself."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=JSON, headers={hdrs.CACHE_CONTROL: CACHING})

    operation = Operation(
        web.get(DOCUMENT_PATH, answer),
        name="readDocument",
        summary="Read this document",
        answers=(Response("This document.", {"type": "object"}),),
    )
    route = ProtectedRoute(allow_anyone, operation)
    body = json.dumps(openapi_document([*routes, route])).encode()
    return route


def openapi_document(routes: Iterable[web.AbstractRouteDef]) -> JsonObject:
    """Return the document of those routes that are operations."""
    guarded = list(operations_of(routes))
    schemas, definitions = schemas_of(
        model for operation, entrance in guarded for model in models_of(operation, entrance)
    )
    paths: dict[str, JsonObject] = {}
    for operation, entrance in guarded:
        documented = document_of(operation, entrance, schemas)
        paths.setdefault(operation.route.path, {})[operation.route.method.lower()] = documented
    return {
        "openapi": OPENAPI,
        "info": {
            "title": "Interlock",
            "version": version("interlock"),
            "description": DESCRIPTION,
        },
        "paths": {**paths},
        "components": {
            "schemas": definitions,
            "headers": header_components(),
            "securitySchemes": SCHEMES,
        },
    }


def operations_of(
    routes: Iterable[web.AbstractRouteDef],
) -> Iterator[tuple[Operation, Access]]:
    """Yield the operations among routes, each with who may enter."""
    for route in routes:
        match route:
            case Operation():
                yield route, require_user
            case ProtectedRoute(access=entrance, route=Operation() as operation):
                yield operation, entrance


def schemas_of(models: Iterable[tuple[Model, JsonSchemaMode]]) -> tuple[Schemas, JsonObject]:
    """Return how to refer to each model, and the definitions of all of them."""
    ordered = sorted(set(models), key=lambda each: (each[0].__name__, each[1]))
    references, definitions = models_json_schema(
        ordered, ref_template=REFERENCES, schema_generator=UntitledSchema
    )
    return {key: references[key] for key in ordered}, definitions["$defs"]


def models_of(operation: Operation, entrance: Access) -> Iterator[tuple[Model, JsonSchemaMode]]:
    """Yield the models of an operation: what it reads, what it answers, and its problems."""
    for refusal in refusals_of(operation, entrance):
        yield problem_document_of(refusal), "serialization"
    if operation.body is not None:
        yield from ((model, "validation") for model in operation.body.models)
    for answer in operation.answers:
        if isinstance(answer.schema, type):
            yield answer.schema, "serialization"


def document_of(operation: Operation, entrance: Access, schemas: Schemas) -> JsonObject:
    """Return what the document says of one operation."""
    path, refusals = operation.route.path, refusals_of(operation, entrance)
    answers = {
        str(each.status.value): response_of(each, path, schemas) for each in operation.answers
    }
    documented: JsonObject = {
        "operationId": operation.name,
        "summary": operation.summary,
        "security": security_of(entrance),
        "responses": {**answers, **problems_of(refusals, path, schemas)},
    }
    if operation.parameters:
        documented["parameters"] = [each.documented for each in operation.parameters]
    if operation.body is not None:
        documented["requestBody"] = request_body_of(operation.body, schemas)
    return documented


def request_body_of(body: JsonBody[BaseModel] | TextBody, schemas: Schemas) -> JsonObject:
    """Return what the document says of a body."""
    schema = (
        body.schema if isinstance(body, TextBody) else any_of(body.models, "validation", schemas)
    )
    return {"required": True, "content": {body.media_type: {"schema": schema}}}


def any_of(models: Iterable[Model], mode: JsonSchemaMode, schemas: Schemas) -> JsonObject:
    """Return the schema of what has one of the forms."""
    first, *others = (schemas[model, mode] for model in models)
    return {"anyOf": [first, *others]} if others else first


def response_of(answer: Response, path: str, schemas: Schemas) -> JsonObject:
    """Return what the document says of an answer."""
    own: JsonObject = {
        str(name): {"description": says, "required": True, "schema": {"type": "string"}}
        for name, says in answer.headers.items()
    }
    documented: JsonObject = {
        "description": answer.description,
        "headers": headers_of(path, answer.status) | own,
    }
    if answer.links:
        documented["links"] = {
            name: {"operationId": name, "parameters": {"id": "$response.body#/id"}}
            for name in answer.links
        }
    if answer.schema is not None:
        schema = answer.schema
        told = schema if isinstance(schema, dict) else schemas[schema, "serialization"]
        documented["content"] = {answer.media_type: {"schema": told}}
    return documented


def security_of(entrance: Access) -> list[Json]:
    """Return what has to be shown to enter."""
    match entrance:
        case ApiKeyAccess(scope=scope):
            return [{"key": [scope]}]
        case _ if entrance is allow_anyone:
            return []
        case _:
            return [{"token": []}]


def refusals_of(operation: Operation, entrance: Access) -> set[Refusal]:
    """Return every problem that an operation may answer with."""
    kinds: set[Refusal] = {*operation.refusals, InterlockError}
    if operation.route.path not in PROBE_PATHS:
        kinds.update(BUSY)
    match entrance:
        case ApiKeyAccess():
            kinds |= {KeyRequired, Forbidden}
        case _ if entrance is not allow_anyone:
            kinds.add(Unauthenticated)
    if operation.body is not None:
        kinds |= {InvalidInput, UnsupportedMediaType, BodyTooLarge}
    if operation.parameters:
        kinds.add(InvalidInput)
    return kinds


def problems_of(refusals: Iterable[Refusal], path: str, schemas: Schemas) -> JsonObject:
    """Return what the document says of refusals: a response a status, which names the codes."""
    ordered = sorted(refusals, key=lambda each: (each.status, each.code))
    return {
        str(status): problem_of(HTTPStatus(status), list(group), path, schemas)
        for status, group in groupby(ordered, key=lambda each: each.status)
    }


def problem_of(
    status: HTTPStatus, refusals: list[Refusal], path: str, schemas: Schemas
) -> JsonObject:
    """Return what the document says of the refusals of one status."""
    codes = dict.fromkeys(each.code for each in refusals)
    models = dict.fromkeys(map(problem_document_of, refusals))
    return {
        "description": f"{status.phrase}: {', '.join(codes)}.",
        "headers": headers_of(path, status),
        "content": {
            "application/problem+json": {"schema": any_of(models, "serialization", schemas)}
        },
    }
