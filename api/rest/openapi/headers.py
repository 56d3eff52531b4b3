"""The headers of answers that no operation declares, as OpenAPI has them.

What stands for itself in every HTTP library (`Content-Type`, `Date`) is not told, nor what only
browsers heed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs

from api.http.middlewares import REQUEST_ID_PATTERN
from api.http.paths import PROBE_PATHS
from api.json_encoding import JsonObject

REFERENCES: Final = "#/components/headers/{name}"
"""Where the document has a header."""


@dataclass(frozen=True, slots=True)
class AnswerHeader:
    """A header that answers carry.

    Attributes:
        required: whether every answer carries it that the document gives it to.

    """

    name: str
    description: str
    schema: JsonObject
    example: str
    required: bool = True

    @property
    def documented(self) -> JsonObject:
        """The header as OpenAPI has it."""
        return {
            "description": self.description,
            "required": self.required,
            "schema": self.schema,
            "example": self.example,
        }


def shares(form: str) -> JsonObject:
    """Return the schema of what is told of an address, of a viewer, or of both."""
    one = rf'"(address|viewer)"{form}'
    return {"type": "string", "pattern": f"^{one}(, {one})?$"}


REQUEST_ID: Final = AnswerHeader(
    "X-Request-ID",
    "The id of the request in the server's log: as the request brought it, or a new one.",
    {"type": "string", "pattern": f"^{REQUEST_ID_PATTERN}$"},
    example="7c6e1f0d9b3a4e5f8a2b4c6d8e0f1a3b",
)
RATE_LIMIT_POLICY: Final = AnswerHeader(
    "RateLimit-Policy",
    "What an address and a viewer get: `q` requests at once, and as many again every `w` seconds"
    " (draft-ietf-httpapi-ratelimit-headers). Who has no limit is not told of.",
    shares(r";q=\d+;w=\d+"),
    example='"address";q=1000;w=2, "viewer";q=200;w=2',
    required=False,
)
RATE_LIMIT: Final = AnswerHeader(
    "RateLimit",
    "What is left of it: `r` requests now, and all of them again in `t` seconds.",
    shares(r";r=\d+;t=\d+"),
    example='"address";r=998;t=1, "viewer";r=199;t=1',
    required=False,
)
RETRY_AFTER: Final = AnswerHeader(
    hdrs.RETRY_AFTER,
    "The seconds to wait before the next request.",
    {"type": "integer", "minimum": 1},
    example="1",
)
WWW_AUTHENTICATE: Final = AnswerHeader(
    hdrs.WWW_AUTHENTICATE,
    "How to sign in; also what is wrong with a token (RFC 6750, section 3).",
    {"type": "string"},
    example='Bearer realm="interlock"',
)
OF_STATUS: Final = {
    HTTPStatus.UNAUTHORIZED: WWW_AUTHENTICATE,
    HTTPStatus.TOO_MANY_REQUESTS: RETRY_AFTER,
}
"""What only the refusals of a status carry."""
EVERY: Final = (REQUEST_ID, RATE_LIMIT_POLICY, RATE_LIMIT, *OF_STATUS.values())


def header_components() -> JsonObject:
    """Return the definitions that responses refer to."""
    return {str(each.name): each.documented for each in EVERY}


def headers_of(path: str, status: HTTPStatus) -> JsonObject:
    """Return what the document says of the headers that every answer of a status carries."""
    return {
        str(each.name): {"$ref": REFERENCES.format(name=each.name)}
        for each in carried(path, status)
    }


def carried(path: str, status: HTTPStatus) -> Iterator[AnswerHeader]:
    """Yield the headers that every answer of a status carries."""
    yield REQUEST_ID
    if path not in PROBE_PATHS:
        yield from (RATE_LIMIT_POLICY, RATE_LIMIT)
    if status in OF_STATUS:
        yield OF_STATUS[status]
