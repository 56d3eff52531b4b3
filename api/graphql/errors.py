"""Errors in GraphQL responses: a message, a position, and `extensions` with a stable code.

The messages of our own errors are sent as they are. Of any other exception the client gets only an
id, under which the log has the exception.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple, Self
from uuid import uuid4

import structlog
from graphql import GraphQLError

from api.json_encoding import Json, JsonObject, to_json
from api.log_context import bound, cause_fields
from engine.errors import InterlockError, InvalidInput, LimitExceeded

_MESSAGE_CHARACTERS: Final = 500
_MAX_SAFE_INTEGER: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""

log = structlog.get_logger(__name__)


class RequestProblem(NamedTuple):
    """A problem of a request, without the document: that uses much memory.

    Attributes:
        message: shortened if it quotes much of the request.
        locations: lines and columns in the document.

    """

    message: str
    locations: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, problem: "GraphQLError | RequestProblem | str") -> "RequestProblem":
        """Return a problem."""
        match problem:
            case RequestProblem():
                return problem
            case str():
                return cls(_shorten(problem))
            case GraphQLError():
                locations = tuple((at.line, at.column) for at in problem.locations or ())
                return cls(_shorten(problem.message), locations)

    def shown(self) -> JsonObject:
        """Return the problem for the client."""
        locations: list[Json] = [
            {"line": line, "column": column} for line, column in self.locations
        ]
        return {"message": self.message, **({"locations": locations} if locations else {})}


class RequestError(InvalidInput):
    """The request can't be executed. The response has one error for each problem.

    The statuses of the classes below are those of GraphQL over HTTP (September 2026), 6.
    """

    def __init__(self, *problems: GraphQLError | RequestProblem | str, **details: object) -> None:
        self.problems = tuple(map(RequestProblem.of, problems))
        super().__init__("\n".join(each.message for each in self.problems), **details)

    def again(self) -> Self:
        """Return an equal error: an error that is raised twice refers to both requests."""
        return type(self)(*self.problems, **self.details)


class MalformedRequest(RequestError):
    """The request is not a well-formed GraphQL request. The message names the problem."""

    code = "malformed_request"
    status = 422


class ParseFailed(RequestError):
    """The document is not GraphQL."""

    code = "graphql_parse_failed"


class ValidationFailed(RequestError):
    """The document is not valid for the schema."""

    code = "graphql_validation_failed"
    status = 422


class UnknownOperation(RequestError):
    """The document has no operation that can be executed under the given name."""

    code = "unknown_operation"
    status = 422


class MutationByGet(RequestError):
    """A mutation can't be sent by GET. Use POST."""

    code = "mutation_by_get"
    status = 405


class InvalidVariables(RequestError):
    """The variables are not of the types that the operation declares."""

    code = "invalid_variables"
    status = 422


class RequestLimitExceeded(RequestError, LimitExceeded):
    """The request exceeds a limit, so no part of it is executed."""


def check_limit(
    limit: str, bound: float, found: float, advice: str = "", **details: object
) -> None:
    """Raise RequestLimitExceeded, with details, if a value is above the bound of a limit."""
    if found > bound:
        found = min(found, _MAX_SAFE_INTEGER)
        message = f"{found:,.0f} {limit.replace('_', ' ')} are more than the {bound:,} allowed."
        message = f"{message} {advice}".rstrip()
        raise RequestLimitExceeded(message, limit=limit, bound=bound, found=round(found), **details)


def _shorten(message: str) -> str:
    is_long = len(message) > _MESSAGE_CHARACTERS
    return f"{message[:_MESSAGE_CHARACTERS]}…" if is_long else message


def response_errors(error: InterlockError) -> list[Json]:
    """Return the `errors` of the response to a request that was not executed."""
    extensions = error_extensions(error)
    problems = (
        error.problems if isinstance(error, RequestError) else (RequestProblem.of(error.message),)
    )
    return [{**each.shown(), "extensions": extensions} for each in problems]


def error_extensions(error: InterlockError) -> JsonObject:
    """Return the `extensions` of an error: its code, its status and its details."""
    return extensions(error.code, error.status, to_json(error.details))


def error_codes(response: Json) -> Iterator[str]:
    """Yield the code of each error of a response."""
    match response:
        case {"errors": [*errors]}:
            for error in errors:
                match error:
                    case {"extensions": {"code": str(code)}}:
                        yield code


def error_statuses(response: Json) -> Iterator[int]:
    """Yield the HTTP status of each error of a response."""
    match response:
        case {"errors": [*errors]}:
            for error in errors:
                match error:
                    case {"extensions": {"status": int(status)}}:
                        yield status


def retry_after(response: Json) -> Iterator[int]:
    """Yield the seconds after which the errors of a response say to try again."""
    match response:
        case {"errors": [*errors]}:
            for error in errors:
                match error:
                    case {"extensions": {"retryAfter": int(seconds)}}:
                        yield seconds


def extensions(code: str, status: int, details: JsonObject) -> JsonObject:
    """Return `extensions` with the id of the request, by which the log has its entries."""
    members: JsonObject = {"code": code, "status": status, **details}
    request_id = bound("request_id")
    return {**members, "requestId": request_id} if isinstance(request_id, str) else members


async def coerce_error(exception: Exception, error: JsonObject) -> JsonObject:
    """Return a field's error for the client (this is Tartiflette's error coercer)."""
    cause = getattr(exception, "original_error", None) or exception
    shown = format_error(cause) if isinstance(cause, InterlockError) else internal_error(cause)
    return {**shown, "path": error["path"], "locations": error["locations"]}


def format_error(error: InterlockError) -> JsonObject:
    """Return one of our own errors for the client; those of the operator are internal to it."""
    if error.status == InterlockError.status:
        return internal_error(error)
    return {"message": error.message, "extensions": error_extensions(error)}


def internal_error(fault: BaseException) -> JsonObject:
    """Log an unexpected exception under a new id; return an error with that id and no details."""
    error_id = uuid4().hex
    log.error("graphql_internal_error", id=error_id, **cause_fields(fault))
    hidden = extensions("internal", 500, {"id": error_id})
    return {"message": "Internal error.", "extensions": hidden}
