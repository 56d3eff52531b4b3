"""The routes that sign users in and out."""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import urlencode

import structlog
from aiohttp import web

from api.auth.openid_client import OpenIdClient
from api.auth.pending_sign_in import PendingSignIn
from api.auth.sign_in_errors import ProviderUnavailable
from api.http.access import ProtectedRoute
from api.http.app_keys import ACTOR
from api.web.pages import Pages, see_other
from api.web.return_path import PARAMETER, SIGN_IN_PATH, SIGNED_IN_PATH, return_path
from api.web.sessions import WebSessions, has_token
from api.web.views.sign_in import pending as browser
from api.web.views.sign_in.demo import DEMO_PATH, DemoSignIn
from api.web.views.sign_in.view import (
    SignInPage,
    demo_page,
    leaving_page,
    renewal_page,
    sign_in_page,
    signed_in_page,
)

log: Final = structlog.get_logger(component="web")

_START_PATH: Final = f"{SIGN_IN_PATH}/start"
_SIGN_OUT_PATH: Final = "/sign-out"
_TEMPLATE: Final = "views/sign_in/page.html"


@dataclass(frozen=True, slots=True)
class SignInMethods:
    """How users sign in to the web UI.

    Attributes:
        provider: signs in users; None if no provider is set up.
        demo: signs in the users of the demo; None on any other server.

    """

    sessions: WebSessions
    provider: OpenIdClient | None
    demo: DemoSignIn | None


def sign_in_routes(pages: Pages, methods: SignInMethods) -> list[ProtectedRoute]:
    """Return the routes; those of a provider and of the demo only if there is one."""
    sessions, provider, demo = methods.sessions, methods.provider, methods.demo
    handlers = _SignIn(pages, sessions, provider, demo)
    routes = [
        web.get(SIGN_IN_PATH, handlers.show),
        web.post(_SIGN_OUT_PATH, handlers.sign_out),
    ]
    if provider is not None:
        at_provider = _ProviderSignIn(pages, sessions, provider)
        routes += [
            web.get(_START_PATH, at_provider.start, allow_head=False),
            web.get(f"{SIGN_IN_PATH}/callback", at_provider.finish, allow_head=False),
        ]
    if demo is not None:
        routes += [
            web.get(DEMO_PATH, partial(demo.open_link, sessions=sessions), allow_head=False),
            web.post(DEMO_PATH, partial(demo.sign_in, sessions=sessions)),
        ]
    signed_in = web.get(SIGNED_IN_PATH, handlers.show_signed_in)
    everywhere = web.post(f"{_SIGN_OUT_PATH}/everywhere", handlers.sign_out_everywhere)
    return [
        *(ProtectedRoute(sessions.require_own_origin, each, pages.error) for each in routes),
        ProtectedRoute(sessions.require_sign_in, signed_in, pages.error),
        ProtectedRoute(sessions.require_sign_in, everywhere, pages.error),
    ]


@dataclass(frozen=True, slots=True)
class _SignIn:
    pages: Pages
    sessions: WebSessions
    provider: OpenIdClient | None
    demo: DemoSignIn | None

    async def show(self, request: web.Request) -> web.Response:
        """Show how to sign in; return a user who is signed in to the page in the URL.

        A user whose claims are too old for that page goes to the provider.

        With a page in the URL, the browser goes to the provider at once. Without one, the user has
        just signed out, or opened this page.
        """
        next_path = return_path(request.query.get(PARAMETER, ""))
        session = await self.sessions.find(request)
        if session and not self.sessions.needs_renewal(request, session):
            return see_other(next_path)
        if self.provider and (session or PARAMETER in request.query):
            return see_other(f"{_START_PATH}?{urlencode({PARAMETER: next_path})}")
        if self.demo:
            users = self.demo.users if self.demo.is_allowed(request, self.sessions) else ()
            return self._render(request, demo_page(users, next_path))
        start_path = _START_PATH if self.provider else None
        return self._render(request, sign_in_page(start_path, has_token=has_token(request)))

    async def show_signed_in(self, request: web.Request) -> web.Response:
        """Show that a user has signed in for a form in another tab."""
        return self._render(request, signed_in_page())

    async def sign_out(self, request: web.Request) -> web.Response:
        """Sign out the user in this browser, and at the provider."""
        session = await self.sessions.find(request)
        url = None
        if self.provider and session:
            with suppress(ProviderUnavailable):  # the user is still signed out here
                url = await self.provider.sign_out_url(session.id_token)
        page = leaving_page(url) if url else None
        response = _lead_to(self.pages, request, page) if page else see_other(SIGN_IN_PATH)
        await self.sessions.end(request, response)
        if session:
            log.info("signed out", actor=session.actor.id)
        return response

    async def sign_out_everywhere(self, request: web.Request) -> web.Response:
        """Sign out the user in all browsers, and in this one also at the provider."""
        response = await self.sign_out(request)
        await self.sessions.store.delete_of_user(request[ACTOR].id)
        return response

    def _render(self, request: web.Request, page: SignInPage) -> web.Response:
        return self.pages.renderer.page(request, _TEMPLATE, None, {"page": page})


def _lead_to(pages: Pages, request: web.Request, page: SignInPage) -> web.Response:
    """Return a page that leads to its link at once.

    After a form, a redirect to the provider would not work: the content security policy lets forms
    lead to this server only, also by redirects.
    """
    response = pages.renderer.page(request, _TEMPLATE, None, {"page": page})
    response.headers["Refresh"] = f"0; url={page.link}"
    return response


@dataclass(frozen=True, slots=True)
class _ProviderSignIn:
    pages: Pages
    sessions: WebSessions
    provider: OpenIdClient

    async def start(self, request: web.Request) -> web.Response:
        """Send the browser to the provider, for a new session or for the claims of the present one.

        The page that needs newer claims can be the one after a form.
        """
        next_path = return_path(request.query.get(PARAMETER, ""))
        session = await self.sessions.find(request)
        if session and self.sessions.needs_renewal(request, session):
            pending = PendingSignIn.start(next_path, renewed_user=session.actor.id)
            url = await self.provider.authorization_url(pending, session.id_token)
            response = _lead_to(self.pages, request, renewal_page(url))
        else:
            pending = PendingSignIn.start(next_path)
            response = see_other(await self.provider.authorization_url(pending))
        browser.remember(response, self.sessions.cookies, pending)
        return response

    async def finish(self, request: web.Request) -> web.Response:
        """Sign in the user whom the provider sends back, and return to the page."""
        state = request.query.get("state", "")
        pending = browser.recall(request, self.sessions.cookies, state)
        actor, id_token = await self.provider.finish(pending, request.query)
        response = see_other(pending.return_path if pending else SIGN_IN_PATH)
        if pending and pending.renewed_user == actor.id:
            await self.sessions.renew(request, response, actor, id_token)
            log.info("claims renewed", actor=actor.id)
        else:
            await self.sessions.begin(request, response, actor, id_token)
            log.info("signed in", actor=actor.id)
        browser.forget(response, self.sessions.cookies, state)
        return response
