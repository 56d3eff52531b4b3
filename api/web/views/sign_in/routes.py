"""The routes that sign users in and out."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from api.http.access import ProtectedRoute
from api.http.app_keys import ACTOR
from api.web.pages import Pages, see_other
from api.web.return_path import PARAMETER, SIGN_IN_PATH, return_path
from api.web.sessions import WebSessions
from api.web.views.sign_in.view import SignInPage

_SIGN_OUT_PATH: Final = "/sign-out"
_TEMPLATE: Final = "views/sign_in/page.html"


def sign_in_routes(pages: Pages, sessions: WebSessions) -> list[ProtectedRoute]:
    """Return the routes."""
    handlers = _SignIn(pages, sessions)
    anyone, user = sessions.require_own_origin, sessions.require_sign_in
    return [
        ProtectedRoute(anyone, web.get(SIGN_IN_PATH, handlers.show), pages.error),
        ProtectedRoute(anyone, web.post(_SIGN_OUT_PATH, handlers.sign_out), pages.error),
        ProtectedRoute(
            user,
            web.post(f"{_SIGN_OUT_PATH}/everywhere", handlers.sign_out_everywhere),
            pages.error,
        ),
    ]


@dataclass(frozen=True, slots=True)
class _SignIn:
    pages: Pages
    sessions: WebSessions

    async def show(self, request: web.Request) -> web.Response:
        """Show how to sign in; return a user who is signed in to the page in the URL."""
        next_path = return_path(request.query.get(PARAMETER, ""))
        if await self.sessions.find(request):
            return see_other(next_path)
        page = SignInPage("Ask the operators of Interlock to set up the sign-in.")
        return self.pages.renderer.page(request, _TEMPLATE, None, {"page": page})

    async def sign_out(self, request: web.Request) -> web.Response:
        """Sign out the user in this browser."""
        response = see_other(SIGN_IN_PATH)
        await self.sessions.end(request, response)
        return response

    async def sign_out_everywhere(self, request: web.Request) -> web.Response:
        """Sign out the user in all browsers."""
        await self.sessions.store.delete_of_user(request[ACTOR].id)
        return await self.sign_out(request)
