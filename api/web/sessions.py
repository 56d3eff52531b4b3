"""The sessions of the web UI: their cookie, and the access rule of its routes."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from aiohttp import hdrs, web

from api.http.access import require_user
from api.http.app_keys import ACTOR, TOKEN, TOKENS, VIEWER
from api.http.stream_sessions import StreamSession
from api.log_context import bind
from api.web.csrf import SAFE_METHODS, check_origin
from api.web.forms import read_fields
from engine.errors import Unauthenticated
from engine.storage.web_sessions import WebSession, WebSessionStore, session_digest
from engine.tickets.actor import Actor
from engine.user_settings import UserSettings

WEB_SESSION: Final = web.RequestKey("web_session", WebSession)
"""The session of the user; missing if a token authenticates the request."""

USER_SETTINGS: Final = web.RequestKey("user_settings", UserSettings)
"""The settings of the user; missing before the user is authenticated."""

SENT_FORM: Final = web.RequestKey("sent_form", list[tuple[str, str]])
"""The fields of a form, in order, whose user has to sign in first; the response returns them."""

_SESSION_COOKIE: Final = "interlock"
_CLAIMS_AGES_MOST: Final = 2
"""Forms and open pages wait for the next page that renews the claims, but not longer than this."""
_FETCH_MODE: Final = "Sec-Fetch-Mode"
_NAVIGATE: Final = "navigate"


class SignInRequired(Unauthenticated):
    """You are not signed in. Sign in, and try again."""

    code = "sign_in_required"


@dataclass(frozen=True, slots=True)
class Cookies:
    """The attributes of all cookies.

    Attributes:
        is_secure: browsers send them over TLS, and over http to their own machine; if false, only
            for a server without TLS.

    """

    is_secure: bool = True

    def name(self, name: str) -> str:
        """Return the name of a cookie; other hosts and pages without TLS cannot set `__Host-`."""
        return f"__Host-{name}" if self.is_secure else name

    def set(self, response: web.StreamResponse, name: str, value: str, lasts: timedelta) -> None:
        """Set a cookie that scripts cannot read and other sites cannot use for changes."""
        response.set_cookie(
            self.name(name),
            value,
            max_age=int(lasts.total_seconds()),
            path="/",
            secure=self.is_secure,
            httponly=True,
            samesite="Lax",
        )

    def delete(self, response: web.StreamResponse, name: str) -> None:
        """Delete a cookie; with its attributes, because browsers refuse `__Host-` without them."""
        self.set(response, name, "", timedelta(0))

    def read(self, request: web.Request, name: str) -> str | None:
        """Return the value of a cookie."""
        return request.cookies.get(self.name(name))


@dataclass(frozen=True, slots=True)
class WebSessions:
    """The sessions of browsers.

    Attributes:
        public_origin: the origin of the server for browsers; None for that of each request.
        claims_age: how old the claims of a user are when a page renews them; None if there is no
            OpenID provider.

    """

    store: WebSessionStore
    cookies: Cookies
    public_origin: str | None = None
    claims_age: timedelta | None = None

    async def find(self, request: web.Request) -> WebSession | None:
        """Return the session that the cookie of a request names.

        It expires at the latest when its claims are too old for any request.
        """
        session_id = self.cookies.read(request, _SESSION_COOKIE)
        session = await self.store.read(session_id) if session_id else None
        if session is None or self.claims_age is None:
            return session
        remaining = self.claims_age * _CLAIMS_AGES_MOST - session.claims_age
        until = min(session.expires_at, datetime.now(UTC) + remaining)
        return replace(session, expires_at=until)

    def needs_renewal(self, request: web.Request, session: WebSession) -> bool:
        """Return whether a request needs newer claims of its user.

        The browser can go to the provider and come back for a page, not for a form, whose fields
        would be lost, nor for a part of a page. So these accept older claims.
        """
        if self.claims_age is None:
            return False
        is_page = request.method in SAFE_METHODS and _is_navigation(request)
        return session.claims_age > self.claims_age * (1 if is_page else _CLAIMS_AGES_MOST)

    async def begin(
        self,
        request: web.Request,
        response: web.StreamResponse,
        actor: Actor,
        id_token: str | None = None,
    ) -> None:
        """Sign in a user: begin a session with a new id, and end the one of the browser."""
        await self.end(request, response)
        session_id = await self.store.create(actor, id_token)
        self.cookies.set(response, _SESSION_COOKIE, session_id, self.store.lifetime.longest)

    async def renew(
        self,
        request: web.Request,
        response: web.StreamResponse,
        actor: Actor,
        id_token: str | None = None,
    ) -> None:
        """Renew the claims of the session of the browser; sign in if it is of another user."""
        session = await self.find(request)
        if session is not None and session.actor.id == actor.id:
            await self.store.renew(session.digest, actor, id_token)
        else:
            await self.begin(request, response, actor, id_token)

    async def end(self, request: web.Request, response: web.StreamResponse) -> None:
        """End the session of the browser, if it has one."""
        if session_id := self.cookies.read(request, _SESSION_COOKIE):
            await self.store.delete(session_digest(session_id))
        self.cookies.delete(response, _SESSION_COOKIE)

    async def require_own_origin(self, request: web.Request) -> None:
        """Accept any user, but no change that another site requests.

        Raises:
            CrossSiteRequest: another site requests a change.

        """
        check_origin(request, self.public_origin)

    async def require_sign_in(self, request: web.Request) -> None:
        """Authenticate a user by session, or by the token that a proxy sends.

        Raises:
            CrossSiteRequest: another site requests a change.
            SignInRequired: there is neither, or the session needs newer claims. The fields of a
                form are then in the request, as `SENT_FORM`.
            Unauthenticated: the token is invalid.
            InvalidInput: the user has to sign in, and the body is not a form.

        """
        check_origin(request, self.public_origin)
        if has_token(request):
            await require_user(request)
            return
        session = await self.find(request)
        if session is None or self.needs_renewal(request, session):
            if request.method not in SAFE_METHODS:
                request[SENT_FORM] = await read_fields(request)
            raise SignInRequired
        request[WEB_SESSION], request[USER_SETTINGS] = session, session.settings
        request[ACTOR], request[VIEWER] = session.actor, session.actor.id
        bind(actor=session.actor.id)


def _is_navigation(request: web.Request) -> bool:
    """Return whether the browser shows the response as a page; older browsers do not say so."""
    return request.headers.get(_FETCH_MODE) == _NAVIGATE


def has_token(request: web.Request) -> bool:
    """Return whether a proxy sends a token of the user."""
    return request.headers.get(hdrs.AUTHORIZATION, "").lower().startswith("bearer ")


def end_with_sign_in(request: web.Request, stream: StreamSession) -> None:
    """End a stream with the session, or the token, that authenticates its request."""
    if session := request.get(WEB_SESSION):
        stream.expire_with_web_session(session.digest, session.expires_at)
    else:
        stream.expire_with_token(request[TOKEN], request.app[TOKENS])
