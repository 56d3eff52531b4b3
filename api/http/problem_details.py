"""Refusals as problem documents (RFC 9457)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self, TypeAlias

from aiohttp import hdrs, web

from api.auth.api_keys import KeyRequired
from api.http.app_keys import REQUEST_ID
from api.http.rate_limiter import TooManyRequests
from api.http.websocket_upgrade import OFFER, UpgradeRequired
from api.json_encoding import JsonObject, to_json
from engine.errors import InterlockError, NotFound, Unauthenticated

CONTENT_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:interlock:problem:"
BEARER: Final = 'Bearer realm="interlock"'
API_KEY: Final = 'ApiKey realm="interlock"'

HTTP_PROBLEMS: Final = {
    404: (NotFound.code, "There is nothing at this path."),
    405: ("method_not_allowed", "This path takes only the methods in the Allow header."),
    417: ("expectation_failed", "No expectation is known here but `Expect: 100-continue`."),
}
"""Code and sentence of what the HTTP server itself refuses."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong with one request.

    Attributes:
        status: the HTTP status.
        code: stable; what a client switches on.
        detail: what was wrong and what would be right, for people.
        members: further members of the document.
        headers: further headers of the answer.

    """

    status: int
    code: str
    detail: str
    members: JsonObject = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, error: InterlockError) -> Self:
        """Return a refusal of the engine or the reconciler as a problem."""
        facts = to_json(error.details)
        return cls(error.status, error.code, error.message, facts, headers_of(error))

    @classmethod
    def of_http(cls, error: web.HTTPException) -> Self:
        """Return a refusal of the HTTP server as a problem."""
        code, detail = HTTP_PROBLEMS.get(error.status, ("http_error", error.reason))
        allow = error.headers.get(hdrs.ALLOW)
        return cls(error.status, code, detail, headers={hdrs.ALLOW: allow} if allow else {})

    @classmethod
    def internal(cls, request_id: str) -> Self:
        """Return the problem that tells nothing but where to look it up."""
        detail = f"Something failed here; it stands in the server's log under {request_id}."
        return cls(InterlockError.status, InterlockError.code, detail)

    def response_to(self, request: web.BaseRequest) -> web.Response:
        """Return the answer that carries this problem."""
        standard = {
            "type": TYPE_PREFIX + self.code,
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "instance": request.rel_url.raw_path,
            "code": self.code,
            "requestId": request[REQUEST_ID],
        }
        document = standard | self.members | standard  # no member takes the place of a standard one
        return web.Response(
            status=self.status,
            # Any number has a form in the standard library, unlike in orjson.
            body=json.dumps(document).encode(),
            content_type=CONTENT_TYPE,
            headers=self.headers,
        )


def headers_of(error: InterlockError) -> Mapping[str, str]:
    """Return what HTTP itself has to say of a refusal."""
    match error:
        case Unauthenticated():
            return challenge(error)
        case TooManyRequests():
            return {hdrs.RETRY_AFTER: str(error.details["retry_after"])}
        case UpgradeRequired():
            return OFFER
        case _:
            return {}


ErrorRenderer: TypeAlias = Callable[[Problem, web.Request], web.Response]
"""Returns the answer that tells a client of a problem."""

ERROR_RENDERERS: Final[web.AppKey[Mapping[web.AbstractRoute, ErrorRenderer]]] = web.AppKey(
    "tellers"
)
"""How problems are told by each route that does not tell them as documents."""


def render(problem: Problem, request: web.Request) -> web.Response:
    """Return the answer that tells a client of a problem, in the form that its route has."""
    tell = request.app[ERROR_RENDERERS].get(request.match_info.route, Problem.response_to)
    return tell(problem, request)


def challenge(error: Unauthenticated) -> Mapping[str, str]:
    """Return the header that tells a client how to sign in (RFC 6750, section 3)."""
    if isinstance(error, KeyRequired):
        return {hdrs.WWW_AUTHENTICATE: API_KEY}
    reason = error.details.get("reason")
    is_refused = reason not in {None, "missing"}
    tail = f', error="invalid_token", error_description="{reason}"' if is_refused else ""
    return {hdrs.WWW_AUTHENTICATE: BEARER + tail}
