"""Errors as GraphQL answers them: a message, a place, and `extensions` that a client can switch on.

Our own errors speak for themselves; any other exception is a fault of ours, and all that leaves the
house is an id to look up in the log (design section 7).
"""

from typing import Final
from uuid import uuid4

import structlog
from graphql import GraphQLError

from api.json_encoding import Json, JsonObject, to_json
from api.log_context import bound
from engine.errors import InterlockError, InvalidInput, Unavailable

MESSAGE_CHARACTERS: Final = 500
LARGEST_SHOWN: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""

log = structlog.get_logger(__name__)


class RequestRefused(InvalidInput):
    """The request can't be executed. Every problem with it becomes one error of the answer.

    The statuses of the classes below are those of GraphQL over HTTP (September 2026), 6.
    """

    def __init__(self, *problems: GraphQLError | str, **details: object) -> None:
        self.problems = problems
        super().__init__("\n".join(map(message_of, problems)), **details)


class MalformedRequest(RequestRefused):
    """The request has not the form of a GraphQL request: see what the message says of it."""

    code = "malformed_request"
    status = 422


class ParseFailed(RequestRefused):
    """The document is not GraphQL."""

    code = "graphql_parse_failed"


class ValidationFailed(RequestRefused):
    """The document asks for something that the schema does not have."""

    code = "graphql_validation_failed"
    status = 422


class UnknownOperation(RequestRefused):
    """The document has no operation that can be executed under the given name."""

    code = "unknown_operation"
    status = 422


class MutationByGet(RequestRefused):
    """The operation is a mutation, and was sent in a way that must change nothing."""

    code = "mutation_by_get"
    status = 405


class InvalidVariables(RequestRefused):
    """The variables are not of the types that the operation declares."""

    code = "invalid_variables"
    status = 422


class LimitExceeded(RequestRefused):
    """The request is larger than one request may be.

    `details` names the limit, its bound, and what was found (absent where the count was stopped).
    """

    code = "limit_exceeded"
    status = 422


class DeadlineExceeded(Unavailable):
    """The operation took too long and was stopped; a mutation may have happened, so look first."""

    code = "deadline_exceeded"


def refuse_above(limit: str, bound: float, found: float) -> None:
    """Raise LimitExceeded if more was found than the bound allows."""
    if found > bound:
        found = min(found, LARGEST_SHOWN)
        message = f"{found:,.0f} {limit.replace('_', ' ')} are more than the {bound:,} allowed."
        raise LimitExceeded(message, limit=limit, bound=bound, found=round(found))


def message_of(problem: GraphQLError | str) -> str:
    """Return the words of a problem; what it quotes of the request may be cut off."""
    message = problem if isinstance(problem, str) else problem.message
    cut = len(message) > MESSAGE_CHARACTERS
    return f"{message[:MESSAGE_CHARACTERS]}…" if cut else message


def refusal_errors(refused: InterlockError) -> list[Json]:
    """Return the errors of a request that was not executed."""
    told = extensions_of(refused)
    problems = refused.problems if isinstance(refused, RequestRefused) else (refused.message,)
    return [{**located(problem), "extensions": told} for problem in problems]


def located(problem: GraphQLError | str) -> JsonObject:
    """Return the message of a problem and where in the document it is, if that is known."""
    if isinstance(problem, str) or not problem.locations:
        return {"message": message_of(problem)}
    places: list[Json] = [{"line": at.line, "column": at.column} for at in problem.locations]
    return {"message": message_of(problem), "locations": places}


def extensions_of(error: InterlockError) -> JsonObject:
    """Return the stable code and status of an error, and its details in JSON."""
    return extensions(error.code, error.status, to_json(error.details))


def extensions(code: str, status: int, details: JsonObject) -> JsonObject:
    """Return what a client can switch on, and what finds the request in the log."""
    told: JsonObject = {"code": code, "status": status, **details}
    request_id = bound("request_id")
    return {**told, "requestId": request_id} if isinstance(request_id, str) else told


async def coerce_error(exception: Exception, error: JsonObject) -> JsonObject:
    """Return a field's error as the client sees it (the error coercer of the engine below)."""
    cause = getattr(exception, "original_error", None) or exception
    shown = refused_field(cause) if isinstance(cause, InterlockError) else hidden_fault(cause)
    return {**shown, "path": error["path"], "locations": error["locations"]}


def refused_field(error: InterlockError) -> JsonObject:
    """Return one of our own errors."""
    return {"message": error.message, "extensions": extensions_of(error)}


def hidden_fault(fault: BaseException) -> JsonObject:
    """Return an error without any text of `fault`, which goes to the log under the same id."""
    error_id = uuid4().hex
    log.error("graphql_internal_error", id=error_id, exc_info=fault)
    told = extensions("internal", 500, {"id": error_id})
    return {"message": "Internal error.", "extensions": told}
