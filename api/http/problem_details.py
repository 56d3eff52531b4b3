"""Errors as problem documents (RFC 9457)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Self, TypeAlias

from aiohttp import hdrs, web

from api.auth.api_keys import ApiKeyRequired
from api.http.app_keys import REQUEST_ID
from api.http.body import IDENTITY, UnsupportedContentEncoding
from api.http.websocket_upgrade import UPGRADE_HEADERS, UpgradeRequired
from api.json_encoding import JsonObject, to_json
from engine.errors import (
    InterlockError,
    NotFound,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

_CONTENT_TYPE: Final = "application/problem+json"
_TYPE_PREFIX: Final = "urn:interlock:problem:"
_API_KEY_CHALLENGE: Final = 'ApiKey realm="interlock"'
_BEARER_CHALLENGE: Final = 'Bearer realm="interlock"'

HTTP_PROBLEMS: Final = {
    404: (NotFound.code, "There is nothing at this path."),
    405: ("method_not_allowed", "This path only allows the methods in the Allow header."),
    417: ("expectation_failed", "The only supported expectation is `Expect: 100-continue`."),
}
"""Code and message of errors that aiohttp raises."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An error, as it is returned to a client.

    Attributes:
        status: the HTTP status.
        code: stable; clients switch on it.
        detail: what is wrong and how to fix it, human-readable.
        members: additional members of the document.
        headers: additional headers of the response.

    """

    status: int
    code: str
    detail: str
    members: JsonObject = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_error(cls, error: InterlockError) -> Self:
        """Return the problem for one of our errors."""
        members = to_json(error.details)
        return cls(error.status, error.code, error.message, members, _headers_of(error))

    @classmethod
    def from_http(cls, error: web.HTTPException) -> Self:
        """Return the problem for an error of aiohttp."""
        code, detail = HTTP_PROBLEMS.get(error.status, ("http_error", error.reason))
        allow = error.headers.get(hdrs.ALLOW)
        return cls(error.status, code, detail, headers={hdrs.ALLOW: allow} if allow else {})

    @classmethod
    def internal(cls, request_id: str) -> Self:
        """Return the problem for an unexpected error; only the log has the reason."""
        detail = f"Internal error. Search the server log for {request_id}."
        return cls(InterlockError.status, InterlockError.code, detail)

    def response(self, request: web.BaseRequest) -> web.Response:
        """Return the response to a request."""
        return web.Response(
            status=self.status,
            body=self._document(request.rel_url.raw_path, request[REQUEST_ID]),
            content_type=_CONTENT_TYPE,
            headers=self.headers,
        )

    def to_bytes(self) -> bytes:
        """Return a response for a connection that is closed before any request."""
        body = self._document()
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"{hdrs.CONTENT_TYPE}: {_CONTENT_TYPE}",
            f"{hdrs.CONTENT_LENGTH}: {len(body)}",
            f"{hdrs.CONNECTION}: close",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def _document(self, instance: str | None = None, request_id: str | None = None) -> bytes:
        """Return the problem document; without a request it has neither path nor id."""
        standard = {
            "type": _TYPE_PREFIX + self.code,
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "code": self.code,
            "requestId": request_id,
        }
        standard = {name: value for name, value in standard.items() if value is not None}
        document = standard | self.members | standard  # standard members come first, and win
        # orjson refuses integers of more than 64 bits.
        return json.dumps(document).encode()


ErrorRenderer: TypeAlias = Callable[[Problem, web.Request], web.Response]

ERROR_RENDERERS: Final[web.AppKey[Mapping[web.AbstractRoute, ErrorRenderer]]] = web.AppKey(
    "error_renderers"
)
"""The error formats of routes; all other routes return problem documents."""
UNROUTED_ERROR_RENDERER: Final[web.AppKey[ErrorRenderer]] = web.AppKey("unrouted_error_renderer")
"""The error format of paths without a route."""


def _headers_of(error: InterlockError) -> Mapping[str, str]:
    """Return the headers that HTTP defines for an error (RFC 6750, section 3; RFC 9110)."""
    match error:
        case ApiKeyRequired():
            return {hdrs.WWW_AUTHENTICATE: _API_KEY_CHALLENGE}
        case Unauthenticated():
            reason = error.details.get("reason")
            is_invalid = reason not in {None, "missing"}
            tail = f', error="invalid_token", error_description="{reason}"' if is_invalid else ""
            return {hdrs.WWW_AUTHENTICATE: _BEARER_CHALLENGE + tail}
        case TooManyRequests() | Unavailable():
            return {hdrs.RETRY_AFTER: str(error.details["retry_after"])}
        case UnsupportedContentEncoding():
            return {hdrs.ACCEPT_ENCODING: IDENTITY}
        case UpgradeRequired():
            return UPGRADE_HEADERS
        case _:
            return {}
