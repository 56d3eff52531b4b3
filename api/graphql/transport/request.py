"""What a client asks, read from a request as GraphQL over HTTP has it (September 2026, 5)."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, Self
from urllib.parse import parse_qsl

import orjson
from aiohttp import hdrs, web
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from api.graphql.errors import LimitExceeded, MalformedRequest
from api.graphql.executor import GraphQLRequest
from api.http.body import read_json
from engine.errors import InvalidInput
from engine.validation_messages import describe_error_at

SAFE_METHODS: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
METHODS: Final = SAFE_METHODS | {hdrs.METH_POST}
JSON_PARAMETERS: Final = frozenset({"variables", "extensions"})


class Parameters(BaseModel):
    """The parameters of one request; others are passed over."""

    model_config = ConfigDict(strict=True)

    query: str | None = None
    document_id: str | None = Field(default=None, alias="documentId")
    variables: dict[str, Any] | None = None
    operation_name: str | None = Field(default=None, alias="operationName")
    extensions: dict[str, Any] | None = None

    @classmethod
    def read(cls, said: object) -> Self:
        """Return what JSON says.

        Raises:
            MalformedRequest: it has not the form of a request.

        """
        try:
            return cls.model_validate(said)
        except ValidationError as error:
            wrong = "; ".join(map(describe_error_at, error.errors()))
            raise MalformedRequest(f"This is not a GraphQL request: {wrong}.") from None

    @model_validator(mode="after")
    def check_document(self) -> Self:
        """Demand a document, or its id."""
        if self.query is None and self.document_id is None:
            raise PydanticCustomError("no_document", "lacks the `query`")
        return self

    def request(self, *, queries_only: bool) -> GraphQLRequest:
        """Return the request that these are the parameters of."""
        return GraphQLRequest(
            self.query,
            self.variables or {},
            self.operation_name or None,
            self.document_id,
            queries_only,
        )


async def read_request(request: web.Request) -> object:
    """Return what a request says in JSON: of GET in its address, of POST in its body.

    Raises:
        HTTPMethodNotAllowed: it comes by another method.
        UnsupportedMediaType: the body is not JSON in UTF-8.
        InvalidInput: what should be JSON is none.
        MalformedRequest: the address has not the form of a request.

    """
    if request.method not in METHODS:
        raise web.HTTPMethodNotAllowed(request.method, sorted(METHODS))
    if request.method in SAFE_METHODS:
        return parameters_in(request.rel_url.raw_query_string)
    return await read_json(request)


def parameters_in(query_string: str) -> dict[str, object]:
    """Return the parameters in an address; an empty one is none.

    Raises:
        InvalidInput: it is not UTF-8, or `variables` or `extensions` are not JSON.
        MalformedRequest: it has one parameter twice.

    """
    try:
        pairs = parse_qsl(query_string, errors="strict")
    except ValueError as error:
        raise InvalidInput(f"The address can't be read: {error}.") from None
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if twice:
        raise MalformedRequest(f"These parameters stand in the address twice: {', '.join(twice)}.")
    return {name: value_of(name, text) for name, text in pairs}


def value_of(name: str, text: str) -> object:
    """Return the value of a parameter in an address; InvalidInput if it should be JSON."""
    if name not in JSON_PARAMETERS:
        return text
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The parameter `{name}` is not JSON: {error}.") from None
    return value


def check_batch(entries: Sequence[object], most: int) -> None:
    """Return if a list of requests may be sent as one.

    Args:
        entries: of the list.
        most: how many requests may be sent as one; 0 if none may.

    Raises:
        MalformedRequest: lists are not taken here, or this one is empty or of something else.
        LimitExceeded: it is longer.

    """
    if not most:
        raise MalformedRequest(
            "A list of requests is not taken here (INTERLOCK_GRAPHQL_BATCH is off): send each by "
            "itself."
        )
    if not entries or not all(isinstance(each, dict) for each in entries):
        raise MalformedRequest("A list of requests has one object or more, and nothing else.")
    if len(entries) > most:
        message = f"{len(entries):,} requests in one are more than the {most:,} allowed."
        raise LimitExceeded(message, limit="batched_requests", bound=most, found=len(entries))
