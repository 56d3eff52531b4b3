"""The parameters of a request, as defined by GraphQL over HTTP (September 2026, 5)."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, Self
from urllib.parse import parse_qsl

import orjson
from aiohttp import hdrs, web
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from api.graphql.errors import MalformedRequest, RequestLimitExceeded
from api.graphql.executor import GraphQLRequest
from api.http.body import read_json
from engine.errors import InvalidInput
from engine.validation_messages import describe_error_at

SAFE_METHODS: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
_METHODS: Final = SAFE_METHODS | {hdrs.METH_POST}
_JSON_PARAMETERS: Final = frozenset({"variables", "extensions"})


class Parameters(BaseModel):
    """The parameters of one request; unknown ones are ignored."""

    model_config = ConfigDict(strict=True)

    query: str | None = None
    document_id: str | None = Field(default=None, alias="documentId")
    variables: dict[str, Any] | None = None
    operation_name: str | None = Field(default=None, alias="operationName")
    extensions: dict[str, Any] | None = None

    @classmethod
    def parse(cls, body: object) -> Self:
        """Return the parameters in a JSON value.

        Raises:
            MalformedRequest: the value is not a well-formed request.

        """
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            problems = "; ".join(map(describe_error_at, error.errors()))
            raise MalformedRequest(f"This is not a GraphQL request: {problems}.") from None

    @model_validator(mode="after")
    def check_document(self) -> Self:
        """Check that the request has a document or its id."""
        if self.query is None and self.document_id is None:
            raise PydanticCustomError("no_document", "lacks the `query`")
        return self

    def to_request(self, *, queries_only: bool) -> GraphQLRequest:
        """Return the request for the executor."""
        return GraphQLRequest(
            self.query,
            self.variables or {},
            self.operation_name or None,
            self.document_id,
            queries_only,
        )


async def read_request(request: web.Request) -> object:
    """Return the parameters of a request: from the URL for GET, from the JSON body for POST.

    Raises:
        HTTPMethodNotAllowed: the request has another method.
        UnsupportedMediaType: the body is not JSON in UTF-8.
        InvalidInput: a value that must be JSON is not.
        MalformedRequest: the URL is not that of a request.

    """
    if request.method not in _METHODS:
        raise web.HTTPMethodNotAllowed(request.method, sorted(_METHODS))
    if request.method in SAFE_METHODS:
        return _query_parameters(request.rel_url.raw_query_string)
    return await read_json(request)


def _query_parameters(query_string: str) -> dict[str, object]:
    """Return the parameters in a query string; empty ones are ignored.

    Raises:
        InvalidInput: it is not UTF-8, or `variables` or `extensions` are not JSON.
        MalformedRequest: it repeats a parameter.

    """
    try:
        pairs = parse_qsl(query_string, errors="strict")
    except ValueError as error:
        raise InvalidInput(f"Invalid query string: {error}.") from None
    repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if repeated:
        raise MalformedRequest(f"The URL repeats these parameters: {', '.join(repeated)}.")
    return {name: _parse_value(name, text) for name, text in pairs}


def _parse_value(name: str, text: str) -> object:
    if name not in _JSON_PARAMETERS:
        return text
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The parameter `{name}` is not JSON: {error}.") from None
    return value


def check_batch(entries: Sequence[object], bound: int) -> None:
    """Check a batch of requests.

    Args:
        entries: the requests.
        bound: the maximum number of requests in a batch; 0 if batches are off.

    Raises:
        MalformedRequest: batches are off, or this one is empty or has values that are not objects.
        RequestLimitExceeded: the batch is too large.

    """
    if not bound:
        raise MalformedRequest(
            "This server accepts no batches (INTERLOCK_GRAPHQL_BATCH is off). Send each request"
            " separately."
        )
    if not entries or not all(isinstance(each, dict) for each in entries):
        raise MalformedRequest("A batch must be a list of one or more objects.")
    if len(entries) > bound:
        message = f"{len(entries):,} requests in a batch are more than the {bound:,} allowed."
        raise RequestLimitExceeded(
            message, limit="batched_requests", bound=bound, found=len(entries)
        )
